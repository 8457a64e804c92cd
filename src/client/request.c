#include "client/request.h"

#include "base/buf.h"
#include "client/url.h"
#include "http/form.h"

#define FORM_MAX ((size_t)32 << 20)

static void append_start(struct buf *to, struct str method, struct str path, const struct client_url *url)
{
    buf_append_str(to, method);
    buf_append_c(to, ' ');
    buf_append_str(to, path);
    buf_append_str(to, STR(" HTTP/1.1\r\nHost: "));
    buf_append_str(to, url->host);
    buf_append_str(to, STR("\r\n"));
}

static void append_field(struct buf *to, struct str name, struct str value)
{
    buf_append_str(to, name);
    buf_append_str(to, STR(": "));
    buf_append_str(to, value);
    buf_append_str(to, STR("\r\n"));
}

static void append_token(struct buf *to, struct str token)
{
    if (token.len == 0)
        return;
    buf_append_str(to, STR("Authorization: Bearer "));
    buf_append_str(to, token);
    buf_append_str(to, STR("\r\n"));
}

void request_append_get(struct buf *to, const struct client_url *url, struct str path)
{
    append_start(to, STR("GET"), path, url);
    buf_append_str(to, STR("\r\n"));
}

static void append_optional(struct buf *form, struct str name, struct str value)
{
    if (value.ptr)
        form_append(form, name, value);
}

static void append_all(struct buf *form, struct str name, const struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        form_append(form, name, list->items[i]);
}

// Takes the form's error over.
static void append_form(struct buf *to, const struct buf *form)
{
    buf_append_str(to, buf_str(form));
    if (form->err)
        to->err = form->err;
}

void request_append_publish(struct buf *to, const struct client_url *url, struct str token,
                            const struct request_publish *fields)
{
    struct buf form;
    buf_init(&form, FORM_MAX);
    append_all(&form, STR("topic"), &fields->topics);
    append_optional(&form, STR("data"), fields->data);
    append_optional(&form, STR("id"), fields->id);
    append_optional(&form, STR("type"), fields->type);
    append_optional(&form, STR("retry"), fields->retry);
    if (fields->is_private)
        form_append(&form, STR("private"), STR("on"));
    append_start(to, STR("POST"), url->path, url);
    append_token(to, token);
    append_field(to, STR("Content-Type"), STR("application/x-www-form-urlencoded"));
    buf_append_str(to, STR("Content-Length: "));
    buf_append_u64(to, form.len);
    buf_append_str(to, STR("\r\n\r\n"));
    append_form(to, &form);
    buf_done(&form);
}

void request_append_subscribe(struct buf *to, const struct client_url *url, struct str token,
                              const struct request_subscribe *fields)
{
    struct buf query;
    buf_init(&query, FORM_MAX);
    append_all(&query, STR("match"), &fields->topics);
    append_all(&query, STR("match_urlpattern"), &fields->patterns);
    buf_append_str(to, STR("GET "));
    buf_append_str(to, url->path);
    buf_append_c(to, str_find(url->path, 0, '?') < url->path.len ? '&' : '?');
    append_form(to, &query);
    buf_append_str(to, STR(" HTTP/1.1\r\nHost: "));
    buf_append_str(to, url->host);
    buf_append_str(to, STR("\r\n"));
    append_token(to, token);
    append_field(to, STR("Accept"), STR("text/event-stream"));
    if (fields->last_event_id.len)
        append_field(to, STR("Last-Event-ID"), fields->last_event_id);
    buf_append_str(to, STR("\r\n"));
    buf_done(&query);
}
