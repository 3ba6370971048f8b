"""The page that shows a report in a browser: its template, style and script, and what fills them. Next: html.

The script is three files that run as one, without libraries and without a build: numbers.js, matrices.js and page.js,
formatted by prettier (--print-width 120).
"""
