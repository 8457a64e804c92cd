// A subscription that others are told of, on its worker: its stream begins when its events have come by the
// feed.
#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/answer.h"
#include "hub/attendance.h"
#include "hub/auth.h"
#include "hub/hub.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/subscribe_priv.h"
#include "hub/subscriber.h"
#include "hub/worker.h"

// Nobody waits for the announcement any more. It comes back all the same, and what it announced is ended.
static void give_up(struct subscribing *subscribing)
{
    timer_cancel(&subscribing->attendance->deadline);
    subscribing->attendance->exchange_id = 0;
    subscriber_drop(subscribing->subscriber);
}

static void gone(struct exchange *exchange)
{
    give_up(exchange_data(exchange));
}

static void send_away(struct subscribing *subscribing, struct exchange *exchange, const char *reason)
{
    exchange_on_gone(exchange, NULL);
    give_up(subscribing);
    subscribe_send_away(subscribing, exchange, reason);
}

static struct exchange *exchange_of(const struct attendance *attendance)
{
    return attendance->exchange_id
               ? exchange_find(worker_of(attendance->shard)->http, attendance->exchange_id)
               : NULL;
}

static void overdue(struct timer *timer)
{
    struct attendance *attendance = CONTAINER_OF(timer, struct attendance, deadline);
    struct exchange *exchange = exchange_of(attendance);
    if (exchange)
        send_away(exchange_data(exchange), exchange,
                  "the subscription could not be announced within publish_timeout");
}

static void announced(struct message *message)
{
    struct attendance *attendance = CONTAINER_OF(message, struct attendance, message);
    struct exchange *exchange = exchange_of(attendance);
    if (!exchange) {
        attendance_leave(attendance);
        return;
    }
    struct subscribing *subscribing = exchange_data(exchange);
    if (attendance->refused) {
        send_away(subscribing, exchange, attendance->refused);
        attendance_leave(attendance);
        return;
    }
    exchange_on_gone(exchange, NULL);
    timer_cancel(&attendance->deadline);
    struct subscriber *subscriber = subscribing->subscriber;
    subscriber->attendance = attendance;
    if (subscribe_stream(subscribing, exchange))
        return;
    subscriber_drop(subscriber);
    attendance_leave(attendance);
}

static int make(struct subscribing *subscribing)
{
    const struct credentials *credentials = subscribing->credentials;
    return attendance_new(&subscribing->attendance, subscribing->shard, subscribing->matchers,
                          subscribing->matcher_count, credentials ? credentials->authorization : NULL);
}

void subscribe_announce(struct subscribing *subscribing, struct exchange *exchange)
{
    struct shard *shard = subscribing->shard;
    int err = make(subscribing);
    subscribe_release(subscribing);
    if (err) {
        subscriber_drop(subscribing->subscriber);
        subscribe_refuse_memory(exchange, err);
        return;
    }
    struct attendance *attendance = subscribing->attendance;
    attendance->message.handle = sequencer_handle_attend;
    attendance->announced = announced;
    attendance->exchange_id = exchange_id(exchange);
    timer_init(&attendance->deadline, overdue);
    timer_set(shard->loop, &attendance->deadline,
              loop_now_ms(shard->loop) + shard->hub->conf->publish_timeout_ms);
    exchange_set_data(exchange, subscribing);
    exchange_on_gone(exchange, gone);
    outbox_add(&shard->requests, &attendance->message);
}
