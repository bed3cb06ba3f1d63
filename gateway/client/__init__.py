"""The client of a gallery, with and without an event loop; the command line is built on it.

    from gateway.client.api import Gallery
    from gateway.client.requests import search

    async with Gallery("http://localhost:8080", lambda: "mv_…") as gallery:
        hits = await gallery.ask(search.words("red boat"))

`SyncGallery` in sync.py says the same without `async`.
"""
