"""What users may choose, each option declared once: Python, the command line and sweep files take name, type, default and help from here."""
