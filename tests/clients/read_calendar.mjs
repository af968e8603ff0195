// Reads an iCalendar from standard input with ical.js and prints what it understood as JSON.
import ICAL from "ical.js";
import { readFileSync } from "node:fs";

const root = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
const value = (component, name) => {
  const found = component.getFirstPropertyValue(name);
  return found === null ? null : String(found);
};

const events = root.getAllSubcomponents("vevent").map((component) => {
  const event = new ICAL.Event(component, { strictExceptions: true });
  return {
    uid: event.uid,
    starts: event.startDate.toUnixTime(),
    ends: event.endDate.toUnixTime(),
    stamp: component.getFirstPropertyValue("dtstamp").toUnixTime(),
    sequence: event.sequence,
    status: value(component, "status"),
    transp: value(component, "transp"),
    summary: event.summary,
    description: event.description,
    location: event.location,
    organiser: component.getFirstProperty("organizer")?.getParameter("cn") ?? null,
    alarms: component.getAllSubcomponents("valarm").length,
  };
});
console.log(JSON.stringify({ method: value(root, "method"), name: value(root, "x-wr-calname"), events }));
