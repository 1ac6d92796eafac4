"""Base templates, the stylesheet and what every page shares."""
