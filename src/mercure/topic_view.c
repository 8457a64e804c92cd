#include "mercure/topic_view.h"

#include "base/err.h"

#include <errno.h>

void topic_view_init(struct topic_view *view)
{
    *view = (struct topic_view){0};
    buf_init(&view->_text, URL_INPUT_MAX);
}

void topic_view_done(struct topic_view *view)
{
    url_done(&view->url);
    buf_done(&view->_text);
}

struct str topic_view_text(const struct topic_view *view)
{
    return buf_str(&view->_text);
}

int topic_view_set(struct topic_view *view, struct str topic, const struct url *base)
{
    if (view->is_set && str_eq(buf_str(&view->_text), topic))
        return HUB_OK;
    url_done(&view->url);
    view->url = (struct url){0};
    view->is_url = view->is_set = false;
    buf_clear(&view->_text);
    buf_append_str(&view->_text, topic);
    int err = view->_text.err ? view->_text.err : url_parse(&view->url, topic, base);
    if (err == -ENOMEM)
        return err;
    view->is_url = err == HUB_OK;
    view->is_set = view->_text.err == HUB_OK;
    return HUB_OK;
}
