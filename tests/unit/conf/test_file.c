#include "conf/conf.h"

#include "conf/tree.h"
#include "fixture.h"

static void make_dir(struct fixture *fixture, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void remove_file(struct fixture *fixture, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", fixture->dir, name);
    assert_int_equal(unlink(path), 0);
}

static int load_in(struct fixture *fixture, const char *xdg, const char *home)
{
    char work[128];
    char etc[128];
    char xdg_variable[128];
    char home_variable[128];
    (void)snprintf(work, sizeof(work), "%s/work", fixture->dir);
    (void)snprintf(etc, sizeof(etc), "%s/etc", fixture->dir);
    (void)snprintf(xdg_variable, sizeof(xdg_variable), "XDG_CONFIG_HOME=%s%s", *xdg ? fixture->dir : "", xdg);
    (void)snprintf(home_variable, sizeof(home_variable), "HOME=%s%s", *home ? fixture->dir : "", home);
    struct conf_source source = {
        .environ = VARIABLES(KEYS, xdg_variable, home_variable),
        .work_dir = work,
        .etc_dir = etc,
    };
    conf_free(fixture->conf);
    fixture->conf = NULL;
    return conf_load(&fixture->conf, &source, &fixture->errors);
}

static void assert_workers(struct fixture *fixture, const char *xdg, const char *home, uint64_t workers)
{
    assert_int_equal(load_in(fixture, xdg, home), HUB_OK);
    assert_int_equal(fixture->conf->workers, workers);
}

// Each step takes the file away that was found.
static void the_first_file_in_the_order_of_folders_and_names_is_read(void **state)
{
    struct fixture *fixture = *state;
    make_dir(fixture, "work");
    make_dir(fixture, "xdg");
    make_dir(fixture, "xdg/mercure");
    make_dir(fixture, "home");
    make_dir(fixture, "home/.config");
    make_dir(fixture, "home/.config/mercure");
    make_dir(fixture, "etc");
    write_file(fixture, "work/cinnabar.yaml", STR("workers: 1"));
    write_file(fixture, "work/mercure.yaml", STR("workers: 2"));
    write_file(fixture, "work/mercure.yml", STR("workers: 3"));
    write_file(fixture, "work/mercure.json", STR("{\"workers\":4}"));
    write_file(fixture, "xdg/mercure/mercure.json", STR("{\"workers\":5}"));
    write_file(fixture, "home/.config/mercure/cinnabar.yaml", STR("workers: 6"));
    write_file(fixture, "etc/mercure.yaml", STR("workers: 7"));
    assert_workers(fixture, "/xdg", "/home", 1);
    remove_file(fixture, "work/cinnabar.yaml");
    assert_workers(fixture, "/xdg", "/home", 2);
    remove_file(fixture, "work/mercure.yaml");
    assert_workers(fixture, "/xdg", "/home", 3);
    remove_file(fixture, "work/mercure.yml");
    assert_workers(fixture, "/xdg", "/home", 4);
    remove_file(fixture, "work/mercure.json");
    assert_workers(fixture, "/xdg", "/home", 5);
    assert_workers(fixture, "", "/home", 6);
    remove_file(fixture, "xdg/mercure/mercure.json");
    assert_workers(fixture, "/xdg", "/home",
                   7); // XDG_CONFIG_HOME stands in for ~/.config, it does not add to it
    remove_file(fixture, "home/.config/mercure/cinnabar.yaml");
    assert_workers(fixture, "", "/home", 7);
    assert_workers(fixture, "", "", 7);
    remove_file(fixture, "etc/mercure.yaml");
    assert_workers(fixture, "/xdg", "/home", 0);
    assert_null(fixture->conf->file.ptr);
}

static void a_given_file_is_the_only_one(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "cinnabar.yaml", STR("workers: 1\nmax_topics: 5\n"));
    const char *path = write_file(fixture, "other.yaml", STR("workers: 2\n"));
    char flag[300];
    (void)snprintf(flag, sizeof(flag), "--config=%s", path);
    assert_loaded(fixture, FLAGS(flag), VARIABLES(KEYS));
    assert_int_equal(fixture->conf->workers, 2);
    assert_int_equal(fixture->conf->max_topics, 1000);
    assert_str(fixture->conf->file, path);
    assert_loaded(fixture, FLAGS("--config", fixture->path, "--workers=3"), VARIABLES(KEYS));
    assert_int_equal(fixture->conf->workers, 3);
    assert_refused(fixture, FLAGS("--config="), VARIABLES(KEYS),
                   "--config: error: needs the path of a file\n");
    assert_refused(fixture, FLAGS("--config"), VARIABLES(KEYS), "--config: error: needs a value\n");
}

static void an_unreadable_file_stops_the_start(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture, FLAGS("--config=/nowhere/a.yaml"), VARIABLES(KEYS),
                   "/nowhere/a.yaml: error: cannot read the file: No such file or directory\n");
    make_dir(fixture, "mercure.yaml"); // found, and no file
    char expected[300];
    (void)snprintf(expected, sizeof(expected),
                   "%s/mercure.yaml: error: cannot read the file: Is a directory\n", fixture->dir);
    assert_refused(fixture, FLAGS(), VARIABLES(KEYS), expected);
}

// No key is complained about that the file might have held.
static void a_broken_file_stops_the_start(void **state)
{
    struct fixture *fixture = *state;
    char expected[300];
    const char *path = write_file(fixture, "cinnabar.yaml", STR("addr: [:80\nworkers: 1\n"));
    (void)snprintf(
        expected, sizeof(expected),
        "%s:1:8: error: malformed YAML: did not find expected node content (are quotes missing?)\n", path);
    assert_refused(fixture, FLAGS(), VARIABLES(), expected);
    write_file(fixture, "cinnabar.yaml", STR("- a\n"));
    (void)snprintf(expected, sizeof(expected),
                   "%s:1:1: error: the file must hold keys and values, as \"addr: :80\"\n", path);
    assert_refused(fixture, FLAGS(), VARIABLES(), expected);
}

static void a_file_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    char *text = malloc(TREE_TEXT_MAX + 1);
    assert_non_null(text);
    memset(text, '\n', TREE_TEXT_MAX + 1);
    const char *path = write_file(fixture, "cinnabar.yaml", str_make(text, TREE_TEXT_MAX));
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
    write_file(fixture, "cinnabar.yaml", str_make(text, TREE_TEXT_MAX + 1));
    char expected[300];
    (void)snprintf(expected, sizeof(expected), "%s: error: the file is larger than 256 KiB\n", path);
    assert_refused(fixture, FLAGS(), VARIABLES(KEYS), expected);
    free(text);
}

static void an_empty_file_is_fine(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "cinnabar.yaml", STR(""));
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
    assert_str(fixture->conf->file, fixture->path);
}

static void scalars_are_typed_by_the_schema(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "cinnabar.yaml",
               STR("addr: :3001\n"
                   "anonymous: yes\n"
                   "debugger: \"true\"\n"
                   "cookie_name: 0x10\n"
                   "max_topics: '7'\n"
                   "max_header_size: 2048\n"
                   "publish_origins: https://a, https://b\n"
                   "public_urls:\n"
                   "  - http://a\n"
                   "  - 'http://b'\n"
                   "heartbeat: 0\n"
                   "ops_addr: \"\"\n"));
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
    const struct conf *conf = fixture->conf;
    assert_str(conf->addr.items[0], ":3001");
    assert_true(conf->anonymous && conf->debugger);
    assert_str(conf->cookie_name, "0x10");
    assert_int_equal(conf->max_topics, 7);
    assert_int_equal(conf->max_header_size, 2048);
    assert_int_equal(conf->publish_origins.count, 2);
    assert_int_equal(conf->public_urls.count, 2);
    assert_int_equal(conf->heartbeat_ms, 0);
    assert_int_equal(conf->ops_addr.len, 0);
}

static void a_key_without_a_value_is_unset(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "cinnabar.yaml", STR("ops_addr:\ncookie_name: ~\nheartbeat: null\nissuers:\n"));
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
    assert_str(fixture->conf->ops_addr, "127.0.0.1:2019");
    assert_int_equal(fixture->conf->heartbeat_ms, 40000);
    assert_origin(fixture, "heartbeat", "default");
}

static void the_origin_null_may_be_an_element(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "cinnabar.yaml", STR("publish_origins: [null, 'https://a']\n"));
    assert_loaded(fixture, FLAGS(), VARIABLES(KEYS));
    assert_str(fixture->conf->publish_origins.items[0], "null");
}

static void values_of_the_wrong_shape_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char expected[1000];
    const char *path = write_file(fixture, "cinnabar.yaml",
                                  STR("workers: [1]\n"
                                      "heartbeat: {a: b}\n"
                                      "addr: {a: b}\n"
                                      "public_urls: [[a]]\n"
                                      "publish_origins: ['', '*']\n"
                                      "issuers: text\n"));
    (void)snprintf(expected, sizeof(expected),
                   "%1$s:1:10: error: workers must be one integer, not a list\n"
                   "%1$s:2:12: error: heartbeat must be one duration, not a mapping\n"
                   "%1$s:3:7: error: addr must be one list, not a mapping\n"
                   "%1$s:4:15: error: public_urls must be a list of texts (quotes may be missing)\n"
                   "%1$s:5:19: error: publish_origins must not be empty\n"
                   "%1$s:6:10: error: issuers: a list is expected, one entry for each issuer\n",
                   path);
    assert_refused(fixture, FLAGS(), VARIABLES(), expected);
}

static void two_names_of_one_key_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char expected[400];
    const char *path = write_file(fixture, "cinnabar.yaml", STR("heartbeat: 1s\nheartbeat_interval: 2s\n"));
    (void)snprintf(expected, sizeof(expected),
                   "%s:2:1: error: heartbeat_interval is the same key as the one on line 1\n", path);
    assert_refused(fixture, FLAGS(), VARIABLES(KEYS), expected);
    write_file(fixture, "cinnabar.yaml", STR("heartbeat: 1s\nheartbeat: 2s\n"));
    (void)snprintf(expected, sizeof(expected), "%s:2:1: error: the key \"heartbeat\" stands here twice\n",
                   path);
    assert_refused(fixture, FLAGS(), VARIABLES(KEYS), expected);
}

static void a_doubled_key_does_not_hide_what_else_is_wrong(void **state)
{
    struct fixture *fixture = *state;
    char expected[800];
    const char *path =
        write_file(fixture, "cinnabar.yaml",
                   STR("heartbeat: 1s\nheartbeat: 2s\nworkers: many\nissuers:\n"
                       "  - issuer: a\n    issuer: b\n    publisher: {jwt_key: a, jwt_key: b}\n"));
    (void)snprintf(expected, sizeof(expected),
                   "%s:2:1: error: the key \"heartbeat\" stands here twice\n"
                   "%s:3:10: error: workers must be a whole number\n"
                   "%s:6:5: error: the key \"issuer\" stands here twice\n"
                   "%s:7:29: error: the key \"jwt_key\" stands here twice\n",
                   path, path, path, path);
    assert_refused(fixture, FLAGS("-X"), VARIABLES(), expected);
}

static void the_sample_file_of_0x_is_read(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "mercure.yaml",
               STR("addr: :3001\n"
                   "allow_anonymous: true\n"
                   "cors_allowed_origins: [\"http://localhost:3000\"]\n"
                   "publish_allowed_origins: [\"http://localhost:3000\"]\n"
                   "debug: true\n"
                   "transport_url: bolt://update.db\n"
                   "jwt_key: \"!ChangeMe!\"\n"
                   "log_format: JSON\n"));
    assert_loaded(fixture, FLAGS(), VARIABLES("MERCURE_PUBLISHER_JWT_KEY=p"));
    assert_int_equal(fixture->conf->cors_origins.count, 1);
    assert_str(fixture->conf->cors_origins.items[0], "http://localhost:3000");
}

static void json_is_read_as_yaml(void **state)
{
    struct fixture *fixture = *state;
    write_file(
        fixture, "mercure.json",
        STR("{\n\t\"addr\": [\":1\", \":2\"],\n\t\"anonymous\": true,\n\t\"max_topics\": 5,\n"
            "\t\"issuers\":[{\"issuer\":\"https:\\/\\/a\",\"publisher\":{\"jwt_key\":\"k\\u00e9\"}}]\n}\n"));
    assert_loaded(fixture, FLAGS(), VARIABLES());
    assert_int_equal(fixture->conf->addr.count, 2);
    assert_str(fixture->conf->issuers[0].issuer, "https://a");
    assert_str(fixture->conf->issuers[0].publisher.jwt_key, "k\xC3\xA9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_file_in_the_order_of_folders_and_names_is_read),
        TEST(a_given_file_is_the_only_one),
        TEST(an_unreadable_file_stops_the_start),
        TEST(a_broken_file_stops_the_start),
        TEST(a_file_is_bounded),
        TEST(an_empty_file_is_fine),
        TEST(scalars_are_typed_by_the_schema),
        TEST(a_key_without_a_value_is_unset),
        TEST(the_origin_null_may_be_an_element),
        TEST(values_of_the_wrong_shape_are_refused),
        TEST(two_names_of_one_key_are_refused),
        TEST(a_doubled_key_does_not_hide_what_else_is_wrong),
        TEST(the_sample_file_of_0x_is_read),
        TEST(json_is_read_as_yaml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
