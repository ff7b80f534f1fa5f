"""A lazy package imports its modules when they are named, and lists them before."""

import sys

import pytest

from zoo.base.lazy import lazy

SHOP = {
    "__init__": "",
    "bread": "loaf = 'rye'",
    "_store": "",
    "inner/__init__": "from zoo.base.lazy import lazy\n\n__getattr__, __dir__ = lazy(__name__, __path__)\n",
    "inner/milk": "litres = 2",
}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A package of three modules and a package inside it."""
    for name, text in SHOP.items():
        path = tmp_path / "lazy_shop" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    init = "from zoo.base.lazy import lazy\n\n__getattr__, __dir__ = lazy(__name__, __path__, {'loaf': 'lazy_shop.bread:loaf'})\n"
    (tmp_path / "lazy_shop" / "__init__.py").write_text(init)
    monkeypatch.syspath_prepend(tmp_path)
    import lazy_shop

    yield lazy_shop
    for name in [name for name in sys.modules if name.split(".")[0] == "lazy_shop"]:
        del sys.modules[name]


def test_modules_are_imported_when_they_are_named(shop):
    assert "lazy_shop.inner.milk" not in sys.modules
    assert shop.inner.milk.litres == 2
    assert shop.loaf == "rye"


def test_dir_lists_public_modules_without_importing_them(shop):
    assert {"bread", "inner", "loaf"} <= set(dir(shop))
    assert "_store" not in dir(shop)
    assert "lazy_shop.bread" not in sys.modules


def test_an_unknown_name_is_an_attribute_error_that_names_the_package(shop):
    with pytest.raises(AttributeError, match="'lazy_shop' has no attribute 'butter'"):
        shop.butter  # noqa: B018
    with pytest.raises(AttributeError):
        shop._store  # noqa: B018
    with pytest.raises(ImportError):
        from lazy_shop import butter  # noqa: F401


def test_one_lazy_package_is_not_another():
    attribute, directory = lazy("zoo.audio", sys.modules["zoo"].__path__[:0], {"answer": "zoo.families:FAMILIES"})
    assert "dsp" not in attribute("answer")
    assert "answer" in directory()
