"""WHAT is differentiated: functions with their value and their analytic rule."""
