#include "http/date.h"

#include <stdbool.h>
#include <string.h>

#define DAY_S 86400U

// Days since 1 March of year 0, so that the leap day is the last of its year (H. Hinnant's algorithm).
#define EPOCH_DAY 719468U
#define DAYS_OF_400_YEARS 146097U

struct civil {
    unsigned year;
    unsigned month; // from 0
    unsigned day;   // from 1
};

static struct civil civil_of(uint64_t days)
{
    days += EPOCH_DAY;
    unsigned era = (unsigned)(days / DAYS_OF_400_YEARS);
    unsigned of_era = (unsigned)(days % DAYS_OF_400_YEARS);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; // from March
    bool next_year = month >= 10;
    return (struct civil){
        .year = era * 400 + year + next_year,
        .month = next_year ? month - 10 : month + 2,
        .day = of_year - (153 * month + 2) / 5 + 1,
    };
}

static char *put_name(char *to, const char *names, unsigned index)
{
    memcpy(to, names + (size_t)3 * index, 3);
    return to + 3;
}

static char *put_number(char *to, unsigned value, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + digits;
}

static char *put_char(char *to, char c)
{
    *to = c;
    return to + 1;
}

void http_date_write(char *to, uint64_t unix_s)
{
    uint64_t days = unix_s / DAY_S;
    unsigned second = (unsigned)(unix_s % DAY_S);
    struct civil civil = civil_of(days);
    to = put_name(to, "SunMonTueWedThuFriSat", (unsigned)((days + 4) % 7));
    to = put_char(put_char(to, ','), ' ');
    to = put_char(put_number(to, civil.day, 2), ' ');
    to = put_char(put_name(to, "JanFebMarAprMayJunJulAugSepOctNovDec", civil.month), ' ');
    to = put_char(put_number(to, civil.year, 4), ' ');
    to = put_char(put_number(to, second / 3600, 2), ':');
    to = put_char(put_number(to, second / 60 % 60, 2), ':');
    to = put_number(to, second % 60, 2);
    memcpy(to, " GMT", 4);
}
