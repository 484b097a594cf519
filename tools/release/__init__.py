"""Build what a release publishes, twice, and check it: `python -m tools.release [FOLDER]`, `make release-check`.

The workflow `.github/workflows/release.yml` runs the same command and uploads the folder; what only GitHub can do
(attestations, publishing) is there.
"""
