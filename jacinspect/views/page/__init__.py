"""The page that shows a report in a browser: its template, style and script, and what fills them. Next: html."""
