#include "conf/conf.h"

#include "base/buf.h"
#include "conf/schema.h"

static const char intro[] =
    "# Configuration\n"
    "\n"
    "<!-- Written by `cinnabar config-reference` from the table in src/conf/schema.c; do not edit. -->\n"
    "\n"
    "Every key can be given in four ways, of which the first wins: **flag > environment > file > default**.\n"
    "\n"
    "- **Flag**: `--key-with-dashes VALUE` or `--key-with-dashes=VALUE`. A list may be repeated; a `bool` "
    "needs no value.\n"
    "- **Environment**: `MERCURE_` and the key in upper case. An empty variable is unset. The names that the "
    "0.x hub had,\n"
    "  without a prefix, work too; the prefixed one wins. A secret may be kept in a file that the variable "
    "`<NAME>_FILE`\n"
    "  names. A variable with our prefix and an unknown name is warned about.\n"
    "- **File**: `--config PATH`, else the first found of `cinnabar.yaml`, `mercure.yaml`, `mercure.yml`, "
    "`mercure.json` in\n"
    "  `.`, `$XDG_CONFIG_HOME/mercure` (or `~/.config/mercure`), `/etc/mercure`. JSON is read as YAML. "
    "Anchors, aliases and\n"
    "  tags are not supported. An unreadable or broken file, or an unknown key, stops the start.\n"
    "\n"
    "All errors are reported at once, each with its place, and the exit status is 2. `cinnabar validate` "
    "only checks.\n"
    "\n"
    "| type | written as |\n"
    "| --- | --- |\n"
    "| bool | `true yes on y t 1` or `false no off n f 0` |\n"
    "| integer | decimal digits |\n"
    "| duration | Go's syntax in whole milliseconds: `300ms`, `40s`, `1h30m`; a bare number other than `0` "
    "is refused |\n"
    "| size | `64KiB`, `1MiB` (powers of 1024), `1MB` (powers of 1000), or bytes |\n"
    "| list | a YAML sequence, or a text split at white space and commas |\n"
    "| URL | an absolute URL |\n"
    "| structure | YAML; in a flag or a variable as one line of YAML or JSON |\n";

static const char issuers[] =
    "\n"
    "## Issuers\n"
    "\n"
    "```yaml\n"
    "issuers:\n"
    "  - issuer: https://example.com                            # the `iss` of its tokens\n"
    "    authorization_servers: [https://auth.example.com]      # optional, only advertised\n"
    "    publisher:  { jwt_key: '!ChangeMe!', jwt_algorithm: HS256 }\n"
    "    subscriber: { jwks_uri: https://auth.example.com/jwks.json, jwt_algorithms: [ES256] }\n"
    "```\n"
    "\n"
    "An entry has a `publisher`, a `subscriber`, or both, each with one of:\n"
    "\n"
    "- `jwt_key`, a shared secret, with `jwt_algorithm` `HS256` (the default), `HS384` or `HS512`; or a "
    "public "
    "key or certificate\n"
    "  in PEM form, with `jwt_algorithm` `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, "
    "`ES384`, `ES512` or `EdDSA`.\n"
    "- `jwks_uri`, where a JWK Set with public keys is: a URL of `https` (or `http`), fetched at start, "
    "every "
    "`jwks_refresh`\n"
    "  and when a token names a key that is not known; or `file:///PATH`, read again when the file changes. "
    "`jwt_algorithms`\n"
    "  limits what its keys may sign with; without it all ten for public keys are allowed.\n"
    "\n"
    "A key verifies the tokens of its own issuer and role, never others'. A value that starts with `!` must "
    "stand in quotes in\n"
    "YAML. A configuration without keys for publishers is refused, and so is one without keys for "
    "subscribers "
    "unless\n"
    "`anonymous` is on.\n"
    "\n"
    "Five environment variables make one entry; where `MERCURE_ISSUERS` is not set, it replaces the list of "
    "the file:\n"
    "\n"
    "| variable | meaning |\n"
    "| --- | --- |\n"
    "| `MERCURE_PUBLISHER_JWT_KEY`, `MERCURE_PUBLISHER_JWT_KEY_FILE` | `jwt_key` of `publisher` |\n"
    "| `MERCURE_PUBLISHER_JWT_ALG` | `jwt_algorithm` of `publisher` |\n"
    "| `MERCURE_SUBSCRIBER_JWT_KEY`, `MERCURE_SUBSCRIBER_JWT_KEY_FILE` | `jwt_key` of `subscriber` |\n"
    "| `MERCURE_SUBSCRIBER_JWT_ALG` | `jwt_algorithm` of `subscriber` |\n"
    "| `MERCURE_TRUSTED_ISSUERS` | `issuer`, by default `" CONF_ISSUER_DEFAULT "`; one, not a list |\n";

static void append_names(struct buf *buf, const struct option *option)
{
    buf_printf(buf, "| `%s`", option->name);
    for (const char *const *alias = option->aliases; alias && *alias; alias++)
        buf_printf(buf, ", `%s`", *alias);
}

static void append_flags(struct buf *buf, const struct option *option)
{
    buf_append_str(buf, STR(" | `--"));
    for (const char *c = option->name; *c; c++)
        buf_append_c(buf, *c == '_' ? '-' : *c);
    buf_append_c(buf, '`');
    if (option->letter)
        buf_printf(buf, ", `-%c`", option->letter);
}

static void append_variables(struct buf *buf, const struct option *option)
{
    if (option->flags & OPTION_BARE) {
        buf_printf(buf, " | `%s`", option->variable);
        return;
    }
    buf_append_str(buf, STR(" | `MERCURE_"));
    for (const char *c = option->name; *c; c++)
        buf_append_c(buf, *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
    buf_append_c(buf, '`');
    if (option->variable)
        buf_printf(buf, ", `%s`", option->variable);
}

static void append_default(struct buf *buf, const struct option *option)
{
    if (option->default_doc)
        buf_printf(buf, " | %s", option->default_doc);
    else if (option->default_text && *option->default_text)
        buf_printf(buf, " | `%s`", option->default_text);
    else
        buf_append_str(buf, STR(" | none"));
}

static bool is_number(const struct option *option)
{
    return option->type == OPTION_INTEGER || option->type == OPTION_DURATION || option->type == OPTION_SIZE;
}

static void append_meaning(struct buf *buf, const struct option *option)
{
    buf_printf(buf, " | %s", option->doc);
    if (is_number(option) && option->max) {
        buf_append_str(buf, option->or_zero ? STR(" 0, or from ") : STR(" From "));
        option_print_number(option, option->min, buf);
        buf_append_str(buf, STR(" to "));
        option_print_number(option, option->max, buf);
        buf_append_c(buf, '.');
    }
    if ((option->flags & OPTION_SECRET) && !(option->flags & OPTION_IGNORED))
        buf_append_str(buf, STR(" A secret."));
    buf_append_str(buf, STR(" |\n"));
}

static void append_row(struct buf *buf, const struct option *option)
{
    append_names(buf, option);
    append_flags(buf, option);
    append_variables(buf, option);
    buf_printf(buf, " | %s", option_type_name(option->type));
    append_default(buf, option);
    append_meaning(buf, option);
}

static void append_absent(struct buf *buf)
{
    buf_append_str(
        buf, STR("\n"
                 "## Known names that are no keys\n"
                 "\n"
                 "Setting one of these is an error, so that nothing that was asked for is left out silently, "
                 "unless the value asks for nothing: `false`, an empty one, or the default of 0.x.\n\n"));
    for (const struct option *option = conf_absent; option->name; option++)
        buf_printf(buf, "- `%s` %s.\n", option->name, option->doc);
}

void conf_reference(struct buf *buf)
{
    buf_append_str(buf, str_from_c(intro));
    for (const struct option *option = conf_options; option->name; option++) {
        if (option->section)
            buf_printf(buf,
                       "\n"
                       "## %s\n"
                       "\n"
                       "| key | flag | variable | type | default | meaning |\n"
                       "| --- | --- | --- | --- | --- | --- |\n",
                       option->section);
        append_row(buf, option);
    }
    buf_append_str(buf, str_from_c(issuers));
    append_absent(buf);
}
