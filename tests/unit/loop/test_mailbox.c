#include "base/err.h"
#include "loop/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define PRODUCERS 4U
#define EACH 20000U

struct numbered {
    struct message message;
    struct receiver *receiver;
    unsigned producer;
    unsigned number;
};

struct receiver {
    struct loop loop;
    unsigned next[PRODUCERS]; // the number that is to come from each
    unsigned out_of_order;
    unsigned received;
    unsigned expected; // then the loop stops
    unsigned turns;
};

static void receive(struct message *message)
{
    struct numbered *numbered = CONTAINER_OF(message, struct numbered, message);
    struct receiver *receiver = numbered->receiver;
    if (numbered->number != receiver->next[numbered->producer]++)
        receiver->out_of_order++;
    free(numbered);
    if (++receiver->received == receiver->expected)
        loop_stop(&receiver->loop);
}

static struct message *new_message(struct receiver *receiver, unsigned producer, unsigned number)
{
    struct numbered *numbered = malloc(sizeof(*numbered));
    assert_non_null(numbered);
    *numbered = (struct numbered){
        .message.handle = receive, .receiver = receiver, .producer = producer, .number = number};
    return &numbered->message;
}

static bool count_turn(void *arg)
{
    struct receiver *receiver = arg;
    receiver->turns++;
    return false;
}

static void receiver_init(struct receiver *receiver, unsigned expected)
{
    *receiver = (struct receiver){.expected = expected};
    assert_int_equal(loop_init(&receiver->loop), HUB_OK);
    loop_add_hook(&receiver->loop, count_turn, receiver);
}

struct producer {
    pthread_t thread;
    struct receiver *receiver;
    unsigned index;
    bool in_bundles;
};

static void *produce(void *arg)
{
    const struct producer *producer = arg;
    struct mailbox *mailbox = &producer->receiver->loop.mailbox;
    struct outbox outbox = {0};
    for (unsigned i = 0; i < EACH; i++) {
        struct message *message = new_message(producer->receiver, producer->index, i);
        if (!producer->in_bundles) {
            mailbox_post(mailbox, message);
            continue;
        }
        outbox_add(&outbox, message);
        if (i % 7 == 6 || i + 1 == EACH)
            outbox_post(&outbox, mailbox);
    }
    return NULL;
}

// Half of them post one by one, half in bundles.
static void messages_of_each_of_many_threads_arrive_once_and_in_their_order(void **state)
{
    (void)state;
    struct receiver receiver;
    receiver_init(&receiver, PRODUCERS * EACH);
    assert_int_equal(loop_spawn(&receiver.loop, "receiver"), HUB_OK);
    struct producer producers[PRODUCERS];
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.receiver = &receiver, .index = i, .in_bundles = i % 2 == 0};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_join(producers[i].thread, NULL), 0);
    loop_join(&receiver.loop);
    loop_done(&receiver.loop);
    assert_int_equal(receiver.received, PRODUCERS * EACH);
    assert_int_equal(receiver.out_of_order, 0);
    for (unsigned i = 0; i < PRODUCERS; i++)
        assert_int_equal(receiver.next[i], EACH);
}

static void a_bundle_arrives_in_one_turn_in_the_order_in_which_it_was_made(void **state)
{
    (void)state;
    struct receiver receiver;
    receiver_init(&receiver, 102);
    struct outbox outbox = {0};
    mailbox_post(&receiver.loop.mailbox, new_message(&receiver, 0, 0));
    for (unsigned i = 1; i <= 100; i++)
        outbox_add(&outbox, new_message(&receiver, 0, i));
    outbox_post(&outbox, &receiver.loop.mailbox);
    mailbox_post(&receiver.loop.mailbox, new_message(&receiver, 0, 101));
    loop_run(&receiver.loop);
    assert_int_equal(receiver.received, 102);
    assert_int_equal(receiver.out_of_order, 0);
    // The end of the turn runs before each wait: before the one that brought the messages, and before the one
    // that brought the stop, which was posted meanwhile.
    assert_int_equal(receiver.turns, 2);
    loop_done(&receiver.loop);
}

static void an_outbox_is_empty_once_it_is_posted(void **state)
{
    (void)state;
    struct receiver receiver;
    receiver_init(&receiver, 2);
    struct outbox outbox = {0};
    outbox_post(&outbox, &receiver.loop.mailbox);
    for (unsigned i = 0; i < 2; i++) {
        outbox_add(&outbox, new_message(&receiver, 0, i));
        outbox_post(&outbox, &receiver.loop.mailbox);
        outbox_post(&outbox, &receiver.loop.mailbox);
    }
    loop_run(&receiver.loop);
    assert_int_equal(receiver.received, 2);
    assert_int_equal(receiver.out_of_order, 0);
    loop_done(&receiver.loop);
}

struct relay {
    struct message message;
    struct loop *loop;
    unsigned left;
};

static void pass_on(struct message *message)
{
    struct relay *relay = CONTAINER_OF(message, struct relay, message);
    if (relay->left-- > 0)
        mailbox_post(&relay->loop->mailbox, message);
    else
        loop_stop(relay->loop);
}

static void a_message_may_be_posted_again_by_its_handler(void **state)
{
    (void)state;
    struct receiver receiver;
    receiver_init(&receiver, 0);
    struct relay relay = {.message.handle = pass_on, .loop = &receiver.loop, .left = 100};
    mailbox_post(&receiver.loop.mailbox, &relay.message);
    loop_run(&receiver.loop);
    // Each post waits for the turn after: one that feeds itself does not keep sockets and timers waiting.
    assert_true(receiver.turns > 100);
    loop_done(&receiver.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_each_of_many_threads_arrive_once_and_in_their_order),
        cmocka_unit_test(a_bundle_arrives_in_one_turn_in_the_order_in_which_it_was_made),
        cmocka_unit_test(an_outbox_is_empty_once_it_is_posted),
        cmocka_unit_test(a_message_may_be_posted_again_by_its_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
