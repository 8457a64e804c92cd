#include "support/powercut.h"

#include "support/disk.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512U
#define FILES_MAX 64
#define NO_FILE SIZE_MAX

struct entry {
    struct disk_record record;
    const char *bytes;
    size_t file;   // what the name stood for at that time
    size_t synced; // the record that made it durable; SIZE_MAX when none did
};

struct powercut {
    char *journal;
    struct entry *entries;
    size_t count;
};

static void check(bool is_so)
{
    if (!is_so) {
        perror("powercut");
        abort();
    }
}

// ---- Reading the journal ----

static char *load_file(const char *name, size_t *ret_len)
{
    FILE *file = fopen(name, "rb");
    check(file && fseek(file, 0, SEEK_END) == 0);
    long len = ftell(file);
    check(len >= 0 && fseek(file, 0, SEEK_SET) == 0);
    char *bytes = malloc((size_t)len + 1);
    check(bytes && fread(bytes, 1, (size_t)len, file) == (size_t)len);
    (void)fclose(file);
    *ret_len = (size_t)len;
    return bytes;
}

static void split(struct powercut *powercut, size_t len)
{
    size_t room = 0;
    for (size_t at = 0; at < len;) {
        if (powercut->count == room) {
            room = room ? 2 * room : 256;
            powercut->entries = realloc(powercut->entries, room * sizeof(*powercut->entries));
            check(powercut->entries);
        }
        struct entry *entry = &powercut->entries[powercut->count++];
        *entry = (struct entry){.synced = SIZE_MAX};
        check(at + sizeof(entry->record) <= len);
        memcpy(&entry->record, powercut->journal + at, sizeof(entry->record));
        entry->bytes = powercut->journal + at + sizeof(entry->record);
        at += sizeof(entry->record) + entry->record.len;
        check(at <= len);
    }
}

// Names and what they stand for: the number of the record that created the file.
struct names {
    struct {
        char name[DISK_NAME_MAX];
        size_t file;
    } list[FILES_MAX];
    size_t count;
};

static size_t look_up(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->list[i].name, name) == 0)
            return names->list[i].file;
    }
    return NO_FILE;
}

static void bind_name(struct names *names, const char *name, size_t file)
{
    size_t i = 0;
    while (i < names->count && strcmp(names->list[i].name, name) != 0)
        i++;
    check(i < FILES_MAX);
    if (i == names->count)
        names->count++;
    (void)snprintf(names->list[i].name, DISK_NAME_MAX, "%s", name);
    names->list[i].file = file;
}

static void apply_to_names(struct names *names, const struct entry *entry, size_t number)
{
    char name[DISK_NAME_MAX] = "";
    switch (entry->record.kind) {
    case DISK_CREATE:
        bind_name(names, entry->record.name, number);
        break;
    case DISK_RENAME:
        check(entry->record.len < sizeof(name));
        memcpy(name, entry->bytes, entry->record.len);
        bind_name(names, name, entry->file);
        bind_name(names, entry->record.name, NO_FILE);
        break;
    case DISK_UNLINK:
        bind_name(names, entry->record.name, NO_FILE);
        break;
    default:
        break;
    }
}

static bool is_of_folder(const struct entry *entry)
{
    return entry->record.kind == DISK_CREATE || entry->record.kind == DISK_RENAME ||
           entry->record.kind == DISK_UNLINK;
}

static bool makes_durable(const struct entry *sync, const struct entry *entry)
{
    if (sync->record.kind == DISK_SYNC_FOLDER)
        return is_of_folder(entry);
    return sync->record.kind == DISK_SYNC && !is_of_folder(entry) && sync->file == entry->file;
}

static void find_syncs(struct powercut *powercut)
{
    for (size_t i = 0; i < powercut->count; i++) {
        struct entry *entry = &powercut->entries[i];
        if (entry->record.is_durable)
            entry->synced = i;
        for (size_t later = i + 1; later < powercut->count && entry->synced == SIZE_MAX; later++) {
            if (makes_durable(&powercut->entries[later], entry))
                entry->synced = later;
        }
    }
}

struct powercut *powercut_load(const char *journal)
{
    struct powercut *powercut = calloc(1, sizeof(*powercut));
    check(powercut);
    size_t len;
    powercut->journal = load_file(journal, &len);
    split(powercut, len);
    struct names names = {.count = 0};
    for (size_t i = 0; i < powercut->count; i++) {
        struct entry *entry = &powercut->entries[i];
        entry->file = look_up(&names, entry->record.name);
        apply_to_names(&names, entry, i);
    }
    find_syncs(powercut);
    return powercut;
}

void powercut_free(struct powercut *powercut)
{
    free(powercut->journal);
    free(powercut->entries);
    free(powercut);
}

size_t powercut_count(const struct powercut *powercut)
{
    return powercut->count;
}

uint64_t powercut_marked(const struct powercut *powercut, size_t cut)
{
    uint64_t marked = 0;
    for (size_t i = 0; i < cut; i++) {
        if (powercut->entries[i].record.kind == DISK_MARK)
            marked = powercut->entries[i].record.offset;
    }
    return marked;
}

uint64_t powercut_marked_at_sync(const struct powercut *powercut, size_t cut, const char *name)
{
    while (cut--) {
        const struct disk_record *record = &powercut->entries[cut].record;
        if (record->kind == DISK_SYNC && strcmp(record->name, name) == 0)
            return powercut_marked(powercut, cut);
    }
    return 0;
}

// ---- Making an image ----

struct image {
    const struct powercut *powercut;
    size_t cut;
    enum powercut_mode mode;
    unsigned seed;
};

static bool toss(struct image *image)
{
    return rand_r(&image->seed) & 0x100;
}

// Whether a record has come to the disk as a whole. With torn writes, *ret_torn: each sector for itself.
static bool has_come(struct image *image, const struct entry *entry, bool *ret_torn)
{
    *ret_torn = false;
    if (entry->synced < image->cut || image->mode == POWERCUT_ALL)
        return true;
    if (image->mode == POWERCUT_NOTHING)
        return false;
    *ret_torn = image->mode == POWERCUT_SECTORS && entry->record.kind == DISK_WRITE;
    return *ret_torn || toss(image);
}

static void write_piece(FILE *file, const struct entry *entry, size_t from, size_t to)
{
    check(fseek(file, (long)(entry->record.offset + from), SEEK_SET) == 0);
    check(fwrite(entry->bytes + from, 1, to - from, file) == to - from);
}

static void write_sectors(struct image *image, FILE *file, const struct entry *entry)
{
    size_t len = entry->record.len;
    for (size_t from = 0; from < len;) {
        size_t to = from + SECTOR - (entry->record.offset + from) % SECTOR;
        if (to > len)
            to = len;
        if (toss(image))
            write_piece(file, entry, from, to);
        from = to;
    }
}

static void make_file(struct image *image, size_t number, const char *path)
{
    FILE *file = fopen(path, "wb");
    check(file);
    for (size_t i = number + 1; i < image->cut; i++) {
        const struct entry *entry = &image->powercut->entries[i];
        bool torn;
        if (entry->file != number || is_of_folder(entry) || !has_come(image, entry, &torn))
            continue;
        if (torn)
            write_sectors(image, file, entry);
        else if (entry->record.kind == DISK_WRITE)
            write_piece(file, entry, 0, entry->record.len);
        else if (entry->record.kind == DISK_TRUNCATE)
            check(fflush(file) == 0 && truncate(path, (long)entry->record.offset) == 0);
    }
    check(fclose(file) == 0);
}

void powercut_make(const struct powercut *powercut, size_t cut, enum powercut_mode mode, unsigned seed,
                   const char *folder)
{
    struct image image = {.powercut = powercut, .cut = cut, .mode = mode, .seed = seed};
    struct names names = {.count = 0};
    for (size_t i = 0; i < cut; i++) {
        bool torn;
        const struct entry *entry = &powercut->entries[i];
        if (is_of_folder(entry) && has_come(&image, entry, &torn))
            apply_to_names(&names, entry, i);
    }
    for (size_t i = 0; i < names.count; i++) {
        char path[4096];
        if (names.list[i].file == NO_FILE)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names.list[i].name);
        make_file(&image, names.list[i].file, path);
    }
}
