#ifndef CWEBSOCKETS_SHIM_H
#define CWEBSOCKETS_SHIM_H

#include <libwebsockets.h>

// An expression macro, not imported: the room that lws_write wants before the bytes.
static const size_t cwebsockets_pre = LWS_PRE;

// lws finds a timer's owner by its position in the owner's struct (lws_container_of), which Swift
// cannot do with a class; this struct keeps the owner beside the timer.
typedef struct cwebsockets_timer {
    lws_sorted_usec_list_t list;
    void *owner;
} cwebsockets_timer;

static inline void *cwebsockets_timer_owner(lws_sorted_usec_list_t *list)
{
    return lws_container_of(list, cwebsockets_timer, list)->owner;
}

#endif
