"""The programme: segments, released versions, changes between versions, the calendar, the event page."""
