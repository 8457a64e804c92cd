#include "base/radix.h"

#include "base/assert.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Each node but the root has a leaf or at least two children, unless there was no memory to join it with its
// one child.
struct radix_node {
    struct radix_node *parent;
    struct list leaves;
    char *edge; // the bytes between the parent and here
    size_t edge_len;
    struct radix_node **children; // no two edges begin with the same byte
    char *firsts;                 // that byte of each: a walk touches no child but the one it takes
    unsigned child_count;
};

static struct str edge_of(const struct radix_node *node)
{
    return str_make(node->edge, node->edge_len);
}

static struct radix_node *new_node(struct radix_node *parent, struct str edge)
{
    struct radix_node *node = calloc(1, sizeof(*node));
    if (!node)
        return NULL;
    node->edge = malloc(edge.len + 1);
    if (!node->edge) {
        free(node);
        return NULL;
    }
    if (edge.len)
        memcpy(node->edge, edge.ptr, edge.len);
    node->edge_len = edge.len;
    node->parent = parent;
    list_init(&node->leaves);
    return node;
}

static void free_node(struct radix_node *node)
{
    free(node->children);
    free(node->firsts);
    free(node->edge);
    free(node);
}

static struct radix_node **find_child(const struct radix_node *node, char first)
{
    const char *found = node->child_count ? memchr(node->firsts, first, node->child_count) : NULL;
    return found ? &node->children[found - node->firsts] : NULL;
}

static int add_child(struct radix_node *node, char first, struct radix_node *child)
{
    struct radix_node **grown =
        realloc(node->children, (node->child_count + 1) * sizeof(struct radix_node *));
    if (!grown)
        return -ENOMEM;
    node->children = grown;
    char *firsts = realloc(node->firsts, node->child_count + 1);
    if (!firsts)
        return -ENOMEM;
    node->firsts = firsts;
    firsts[node->child_count] = first;
    node->children[node->child_count++] = child;
    return HUB_OK;
}

static size_t common_length(struct str a, struct str b)
{
    size_t len = 0;
    while (len < a.len && len < b.len && a.ptr[len] == b.ptr[len])
        len++;
    return len;
}

static void shorten_edge(struct radix_node *node, size_t by)
{
    node->edge_len -= by;
    memmove(node->edge, node->edge + by, node->edge_len);
}

// Puts a node of its own in the middle of the edge to the child in *place.
static struct radix_node *split(struct radix_node **place, size_t at)
{
    struct radix_node *child = *place;
    struct radix_node *middle = new_node(child->parent, str_slice(edge_of(child), 0, at));
    if (!middle)
        return NULL;
    if (add_child(middle, child->edge[at], child) != HUB_OK) {
        free_node(middle);
        return NULL;
    }
    shorten_edge(child, at);
    child->parent = middle;
    *place = middle;
    return middle;
}

static struct radix_node *add_new_child(struct radix_node *node, struct str edge)
{
    struct radix_node *child = new_node(node, edge);
    if (child && add_child(node, edge.ptr[0], child) != HUB_OK) {
        free_node(child);
        return NULL;
    }
    return child;
}

// The node of the key, made if there is none; NULL when memory is out.
static struct radix_node *get_node(struct radix_node *node, struct str key)
{
    while (node && key.len) {
        struct radix_node **child = find_child(node, key.ptr[0]);
        if (!child)
            return add_new_child(node, key);
        size_t common = common_length(edge_of(*child), key);
        node = common < (*child)->edge_len ? split(child, common) : *child;
        key = str_slice(key, common, key.len);
    }
    return node;
}

static void drop_child(struct radix_node *child)
{
    struct radix_node *parent = child->parent;
    struct radix_node **place = find_child(parent, child->edge[0]);
    size_t at = (size_t)(place - parent->children);
    parent->child_count--;
    parent->children[at] = parent->children[parent->child_count];
    parent->firsts[at] = parent->firsts[parent->child_count];
    free_node(child);
}

// Joins a node that only leads to one child with it.
static void join(struct radix_node *node)
{
    struct radix_node *child = node->children[0];
    char *edge = malloc(node->edge_len + child->edge_len);
    if (!edge)
        return; // correct all the same
    memcpy(edge, node->edge, node->edge_len);
    memcpy(edge + node->edge_len, child->edge, child->edge_len);
    free(child->edge);
    child->edge = edge;
    child->edge_len += node->edge_len;
    child->parent = node->parent;
    *find_child(node->parent, edge[0]) = child;
    free_node(node);
}

// Takes nodes away that lead to nothing any more.
static void clean(struct radix_node *node)
{
    while (node->parent && list_empty(&node->leaves) && node->child_count == 0) {
        struct radix_node *parent = node->parent;
        drop_child(node);
        node = parent;
    }
    if (node->parent && list_empty(&node->leaves) && node->child_count == 1)
        join(node);
}

void radix_done(struct radix *radix)
{
    if (!radix->_root)
        return;
    HUB_ASSERT(radix->_root->child_count == 0 && list_empty(&radix->_root->leaves));
    free_node(radix->_root);
    radix->_root = NULL;
}

int radix_insert(struct radix *radix, struct radix_leaf *leaf, struct str key)
{
    if (!radix->_root && !(radix->_root = new_node(NULL, STR(""))))
        return -ENOMEM;
    struct radix_node *node = get_node(radix->_root, key);
    if (!node)
        return -ENOMEM;
    list_init(&leaf->_beside);
    list_append(&node->leaves, &leaf->_beside);
    leaf->_node = node;
    return HUB_OK;
}

void radix_remove(struct radix_leaf *leaf)
{
    if (!leaf->_node)
        return;
    list_remove(&leaf->_beside);
    clean(leaf->_node);
    leaf->_node = NULL;
}

bool radix_has(const struct radix_leaf *leaf)
{
    return leaf->_node != NULL;
}

static void visit_leaves(const struct radix_node *node, radix_visit_fn *visit, void *arg)
{
    LIST_FOREACH (beside, &node->leaves)
        visit(CONTAINER_OF(beside, struct radix_leaf, _beside), arg);
}

void radix_visit(const struct radix *radix, struct str text, radix_visit_fn *visit, void *arg)
{
    const struct radix_node *node = radix->_root;
    while (node) {
        visit_leaves(node, visit, arg);
        struct radix_node **child = text.len ? find_child(node, text.ptr[0]) : NULL;
        if (!child || !str_starts_with(text, edge_of(*child)))
            return;
        text = str_slice(text, (*child)->edge_len, text.len);
        node = *child;
    }
}
