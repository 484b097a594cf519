"""/api/v1: what the pages show, as JSON, for programs. It only reads.

`operations` lists what can be read; the routes, the checks of what is sent and the OpenAPI document are made from
that list, and the document's schemas from `values`. docs/reference/api.md.
"""
