"""The drawings of the pages, as SVG content on a 24 by 24 grid; strokes take the colour of the text."""

DRAWINGS = {
    # A clapperboard: Slate's own mark.
    "slate": '<path d="M3 10h18v10H3zM3 10l-.6-4L20 3.2l.7 3.9L3 10zM7.5 5.2l2.6 3.6M13 4.3l2.6 3.6"/>',
    # The pin of Content Credentials: a round mark with one square corner and the letters cr.
    "cr": '<path d="M12 2.5a9.5 9.5 0 1 0 0 19h9.5V12A9.5 9.5 0 0 0 12 2.5z"/>'
    '<path d="M11.2 10a2.7 2.7 0 1 0 0 4M14.2 9.2v5.7M14.2 11.8c0-1.7 1.1-2.6 2.8-2.5"/>',
    "play": '<path d="M7 4.5v15l12-7.5z"/>',
    "pause": '<path d="M8 5v14M16 5v14"/>',
    "full": '<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>',
    "step-back": '<path d="M15.5 6l-7 6 7 6zM5 6v12"/>',
    "step-forward": '<path d="M8.5 6l7 6-7 6zM19 6v12"/>',
    "loop": '<path d="M17 3l3.5 3.5L17 10M20.5 6.5H8A4.5 4.5 0 0 0 3.5 11M7 21l-3.5-3.5L7 14M3.5 17.5H16a4.5 4.5 0 0 0 4.5-4.5"/>',
    "download": '<path d="M12 3.5v12M6.5 10.5l5.5 5.5 5.5-5.5M4 20.5h16"/>',
    "upload": '<path d="M12 16V4M6.5 9L12 3.5 17.5 9M4 20.5h16"/>',
    "check": '<path d="M4.5 12.5l5 5 10-11"/>',
    "cross": '<path d="M5.5 5.5l13 13M18.5 5.5l-13 13"/>',
    "warning": '<path d="M12 3.5l9.5 17h-19zM12 10v5M12 17.6v.4"/>',
    "stop": '<circle cx="12" cy="12" r="9"/><path d="M5.8 5.8l12.4 12.4"/>',
    "mirror": '<path d="M12 3v18M8.5 7.5v9L3 16.5zM15.5 7.5v9l5.5 0z"/>',
    "question": '<circle cx="12" cy="12" r="9"/><path d="M9.3 9.3a2.8 2.8 0 1 1 4.2 2.5c-1 .6-1.5 1.1-1.5 2.2M12 17v.4"/>',
    "split": '<path d="M4 5h5l6 14h5M4 19h5l2-4.5M15 5h5M13 9.5L15 5"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5.5l3.5 2"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5l5 5"/>',
    "shield": '<path d="M12 3l7.5 2.5v6c0 4.5-3 7.8-7.5 9.5-4.5-1.7-7.5-5-7.5-9.5v-6z"/>',
    "mark": '<path d="M3 9.5c3-4 6 4 9 0s6 4 9 0M3 15.5c3-4 6 4 9 0s6 4 9 0"/>',
    "print": '<path d="M6 18c1.5-2.5 1-5 1-6.5a5 5 0 0 1 10 0c0 3 .2 5-.8 8M10 20c1.5-2.5 2-5 2-8.5M13.5 20.5c1-2 1.3-4 1.2-6M4 15c.5-1.5.4-2.5.4-3.5a7.6 7.6 0 0 1 12-6.2"/>',
    "keyboard": '<path d="M2.5 6.5h19v11h-19zM6 10h.1M10 10h.1M14 10h.1M18 10h.1M7.5 14h9"/>',
    "person": '<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5c.6-4 3.6-6 7.5-6s6.9 2 7.5 6"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "left": '<path d="M14.5 5.5L8 12l6.5 6.5"/>',
    "right": '<path d="M9.5 5.5L16 12l-6.5 6.5"/>',
    "bars": '<path d="M3.5 4.5h17v15h-17zM8 4.5v11M12 4.5v11M16 4.5v11M3.5 15.5h17"/>',
    "film": '<path d="M3.5 4.5h17v15h-17zM7.5 4.5v15M16.5 4.5v15M3.5 9.5h4M3.5 14.5h4M16.5 9.5h4M16.5 14.5h4"/>',
}
