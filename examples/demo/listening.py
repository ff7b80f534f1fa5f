"""Listening: a small preference test, taken by simulated listeners."""

import tempfile
import threading
from html import escape
from pathlib import Path

import numpy as np

from examples.demo.tables import html_table, text_table
from zoo.data.examples import examples

LISTENERS = 6
SYSTEMS = "noisy", "enhanced"


def section(arguments):
    """A preference test on the bundled recordings, answered through its address; its report lies beside the page."""
    try:
        from zoo.listening import report
    except ImportError:
        print('\nListening tests need more packages: pip install "audio-zoo[listen]"')
        return '<h2>Listening: which one do people prefer?</h2><p>pip install "audio-zoo[listen]"</p>'
    folder = Path(arguments.output) / "listening"
    with tempfile.TemporaryDirectory() as place:
        store, kind = _answered(Path(place))
        shares = next(part for part in report.write(store, kind, folder).sections if part.title == "Preference")
        store.close()
    print(f"\n{LISTENERS} simulated listeners compared {' and '.join(SYSTEMS)}; {folder / 'index.html'} is the report")
    print(text_table(shares.header, shares.rows))
    return f"""
<h2>Listening: which one do people prefer?</h2>
<p><b>zoo listen preference</b> asks people in a browser. Here {LISTENERS} simulated listeners took part through the
study's address, who prefer the recording with less noise in its pauses, and err in one answer of five:
<a href="listening/index.html">the study's report</a>.</p>
{html_table(list(map(escape, shares.header)), [list(map(escape, row)) for row in shares.rows])}"""


def _answered(folder):
    """A study of four pairs in a folder, with the answers of all listeners; gives its store and its kind."""
    from zoo.listening import crowd, preference, serve, study
    from zoo.listening.store import Store

    files = examples()
    rows = [f"{files['degraded']},{files['enhanced']},{i},{','.join(SYSTEMS)}" for i in range(4)]
    (folder / "pairs.csv").write_text("\n".join(["a,b,item,system_a,system_b", *rows]), encoding="utf-8")
    store = Store(folder / "study.db", create=True)
    with store.write() as session:
        items = preference.read_items(folder / "pairs.csv", session)
        study.make(store, "preference", preference.PreferenceSettings(), items, session)
    kind, listening = study.open_kind(store), serve.bind("127.0.0.1", 0)
    server = serve.server(store, kind)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        for seed in range(LISTENERS):
            decide = crowd.cleaner(0.2, np.random.default_rng(seed))
            crowd.attend(f"http://127.0.0.1:{listening.getsockname()[1]}/", decide, patience=10)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
    return store, kind
