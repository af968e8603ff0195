/* Reads an iCalendar from standard input with libical, which must find no fault in it, and prints one
   line a property of each event: its number, the property's name, its value with escapes undone and
   newlines written as \n. Exit status 1: it is not valid. Build: cc read_calendar.c -lical */
#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_value(int number, const char *name, const char *text)
{
    printf("%d\t%s\t", number, name);
    for (; text && *text; text++) {
        if (*text == '\n') fputs("\\n", stdout);
        else if (*text == '\\') fputs("\\\\", stdout);
        else putchar(*text);
    }
    putchar('\n');
}

static int faults(icalcomponent *component)
{
    int found = 0;
    for (icalproperty *p = icalcomponent_get_first_property(component, ICAL_ANY_PROPERTY); p;
         p = icalcomponent_get_next_property(component, ICAL_ANY_PROPERTY)) {
        if (icalproperty_isa(p) == ICAL_XLICERROR_PROPERTY) {
            fprintf(stderr, "%s\n", icalproperty_as_ical_string(p));
            found++;
        }
    }
    for (icalcomponent *c = icalcomponent_get_first_component(component, ICAL_ANY_COMPONENT); c;
         c = icalcomponent_get_next_component(component, ICAL_ANY_COMPONENT))
        found += faults(c);
    return found;
}

int main(void)
{
    size_t size = 0, room = 1 << 16;
    char *text = malloc(room + 1);
    for (size_t got; (got = fread(text + size, 1, room - size, stdin)) > 0;) {
        size += got;
        if (size == room) text = realloc(text, (room *= 2) + 1);
    }
    text[size] = '\0';
    icalcomponent *calendar = icalparser_parse_string(text);
    if (!calendar || icalcomponent_isa(calendar) != ICAL_VCALENDAR_COMPONENT) {
        fprintf(stderr, "no VCALENDAR\n");
        return 1;
    }
    int restricted = icalrestriction_check(calendar); /* writes what it finds into the component */
    int found = faults(calendar);
    if (!restricted || found) {
        fprintf(stderr, "%d faults\n", found);
        return 1;
    }
    printf("0\tmethod\t%s\n", icalproperty_method_to_string(icalcomponent_get_method(calendar)));
    int number = 0;
    for (icalcomponent *e = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT); e;
         e = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT)) {
        number++;
        print_value(number, "uid", icalcomponent_get_uid(e));
        printf("%d\tstarts\t%lld\n", number, (long long)icaltime_as_timet(icalcomponent_get_dtstart(e)));
        printf("%d\tends\t%lld\n", number, (long long)icaltime_as_timet(icalcomponent_get_dtend(e)));
        printf("%d\tstamp\t%lld\n", number, (long long)icaltime_as_timet(icalcomponent_get_dtstamp(e)));
        printf("%d\tsequence\t%d\n", number, icalcomponent_get_sequence(e));
        print_value(number, "status", icalenum_status_to_string(icalcomponent_get_status(e)));
        print_value(number, "summary", icalcomponent_get_summary(e));
        print_value(number, "description", icalcomponent_get_description(e));
        print_value(number, "location", icalcomponent_get_location(e));
        printf("%d\talarms\t%d\n", number, icalcomponent_count_components(e, ICAL_VALARM_COMPONENT));
    }
    return 0;
}
