from __future__ import annotations

import pytest

from pictree.errors import RecipeError
from pictree.networks.autoencoder import Architecture
from pictree.recipes.recipe import (
    ClusteringPart,
    NetworkPart,
    Recipe,
    change,
    load_recipe,
    parse_recipe,
    recipe_names,
    to_toml,
)

NAMES = ["dec", "flat-2", "large-1568", "pairs", "photos", "quick", "small-98", "tree"]


def test_the_recipes_are_packaged():
    assert recipe_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_written_out_reads_back_equal(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert parse_recipe(to_toml(recipe), name="other") == recipe
    network = recipe.network
    Architecture((28, 28, 1), network.encoder, network.decoder, network.code, network.output)


def test_published_protocols():
    small, large, flat = (load_recipe(name) for name in ("small-98", "large-1568", "flat-2"))
    assert (small.training.optimizer, small.training.learning_rate) == ("adadelta", 1.0)
    assert (small.training.rho, small.training.eps) == (0.95, 1e-7)
    assert (small.training.loss, small.training.epochs, small.training.batch_size) == ("bce", 3, 32)
    assert (small.images.cluster, small.clustering.k) == ("validation", 10)
    assert (large.training.optimizer, large.training.loss) == ("adam", "bce")
    assert (large.training.epochs, large.training.batch_size) == (20, 256)
    assert (large.network.encoder, large.network.decoder) == ((32, 32), (32, 32))
    assert (flat.network.encoder, flat.network.code) == ((16, 8, 8), 2)
    assert (flat.training.loss, flat.training.epochs, flat.training.batch_size) == ("mse", 10, 32)
    assert (flat.images.validation, flat.images.split_seed) == (0.2, 42)
    assert flat.clustering == ClusteringPart(k=2, standardise=True, seed=42)


def test_a_users_file_takes_defaults_and_its_own_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[network]\nencoder = [8]\ndecoder = [8]\n[clustering]\nk = '5:40'\n")
    recipe = load_recipe(path)
    expected = Recipe("mine", network=NetworkPart((8,), (8,)), clustering=ClusteringPart(k="5:40"))
    assert recipe == expected
    assert load_recipe(str(path)) == expected


def test_odd_words_survive_writing():
    recipe = Recipe('a "b" \\ c\n\t é 漢', about="x = [1]\x7f")
    assert parse_recipe(to_toml(recipe), name="") == recipe


def test_change_gives_a_new_recipe():
    old = load_recipe("small-98")
    new = change(old, **{"training.epochs": 7, "images.size": [32, 16]})
    assert (new.training.epochs, new.images.size, old.training.epochs) == (7, (32, 16), 3)
    with pytest.raises(RecipeError) as caught:
        change(old, **{"trainng.epochs": 7})
    assert str(caught.value) == (
        "a recipe takes only images, network, features, training, clustering, rounds, pairs, "
        "dec, maps; got 'trainng'. "
        "Did you mean training."
    )


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(RecipeError) as caught:
        load_recipe("small98")
    assert str(caught.value) == (
        "a recipe must be one of dec, flat-2, large-1568, pairs, photos, quick, small-98, tree, or "
        "a TOML file; got 'small98'. Did you mean small-98."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[training]\nepoch = 3",
            "[training] takes only loss, optimizer, learning_rate, rho, eps, epochs, batch_size, "
            "precision, change; got 'epoch'. Did you mean epochs.",
        ),
        (
            "[maps]\nzzz = 3",
            "[maps] takes only methods; got 'zzz'. Remove it.",
        ),
        (
            "[training]\nepochs = '3'",
            "training.epochs must be a whole number of at least 1 and at most 100,000; got '3'. "
            "Change it.",
        ),
        (
            "[training]\nepochs = true",
            "training.epochs must be a whole number of at least 1 and at most 100,000; got True. "
            "Change it.",
        ),
        (
            "[training]\nlearning_rate = nan",
            "training.learning_rate must be a number above 0 and at most 10; got nan. Change it.",
        ),
        (
            "[training]\nlearning_rate = 0.0",
            "training.learning_rate must be a number above 0 and at most 10; got 0.0. Change it.",
        ),
        (
            "[images]\nvalidation = 1.0",
            "images.validation must be a number of at least 0 and below 1; got 1.0. Change it.",
        ),
        (
            "[images]\nsize = [28]",
            "images.size must be a list of 2 whole numbers from 1 to 4,096; got [28]. Change it.",
        ),
        (
            "[images]\nchannels = 'gray'",
            "images.channels must be one of auto, grey, colour; got 'gray'. "
            "Write one of them in quotes.",
        ),
        (
            "[network]\nencoder = [16, 0]\ndecoder = [16, 16]",
            "network.encoder must be a list of any number of whole numbers from 1 to 4,096; "
            "got [16, 0]. Change it.",
        ),
        (
            "[network]\nencoder = [16]",
            "network.encoder and network.decoder must be equally long; got 1 and 2 widths. "
            "Give the decoder one width for each pooling.",
        ),
        (
            "[network]\noutput = 'linear'",
            'training.loss "bce" needs network.output "sigmoid"; got "linear". '
            "Change one of the two.",
        ),
        (
            "[clustering]\nk = '9:3'",
            'clustering.k must be "auto", a whole number of at least 2, or a range as "5:40"; '
            "got '9:3'. Change it.",
        ),
        (
            "[clustering]\nstandardise = 1",
            "clustering.standardise must be true or false; got 1. Write it without quotes.",
        ),
        (
            "[maps]\nmethods = ['tse']",
            "maps.methods must be one of pca, tsne, umap; got 'tse'. Write one of them in quotes.",
        ),
        (
            "training = 3",
            "training must be a section; got 3. Write it as [training].",
        ),
        (
            "[clustering]\nmethod = 'tree'\n[rounds]\ncount = 1\n[pairs]\nepochs = 1",
            "only one of [rounds], [pairs] and [dec] may have a length; got rounds.count, "
            "pairs.epochs. Set the others to 0.",
        ),
        (
            "[pairs]\nepochs = 1",
            "pairs.epochs needs clustering.method = \"tree\"; got 'kmeans'. "
            "Change it, or set pairs.epochs to 0.",
        ),
        (
            "[clustering]\nmethod = 'hdbscan'\n[dec]\nupdates = 1",
            "dec.updates needs clustering.method = \"kmeans\"; got 'hdbscan'. "
            "Change it, or set dec.updates to 0.",
        ),
        (
            "[clustering]\nstandardise = true\n[dec]\nupdates = 1",
            "dec needs clustering.standardise = false: its centres lie among the codes; got true. "
            "Change it, or set dec.updates to 0.",
        ),
        (
            "[network]\nencoder = []\ndecoder = []\ncode = 5\noutput = 'linear'\n"
            "[training]\nloss = 'mse'\noptimizer = 'closed-form'\n[dec]\nupdates = 1",
            "dec needs a network with convolutions; got encoder = []. "
            "Change the [network] section, or set dec.updates to 0.",
        ),
        (
            "[dec]\ngamma = 0.0",
            "dec.gamma must be a number above 0 and at most 1,000; got 0.0. Change it.",
        ),
        ("name = 3", "name must be text; got 3. Write it in quotes."),
    ],
)
def test_wrong_recipes_are_refused_in_whole(text, message):
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, name="mine")
    assert str(caught.value) == message


@pytest.mark.parametrize("k", [2, 10, "auto", "5", "5:40", "7:7"])
def test_all_forms_of_k_are_taken(k):
    assert ClusteringPart(k=k).k == k


def test_text_that_is_no_toml_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeError, match="must be readable UTF-8 text"):
        load_recipe(path)
    with pytest.raises(RecipeError, match="a recipe must be valid TOML; got "):
        parse_recipe("[training", name="mine")


@pytest.mark.parametrize("text", ["", "# a comment alone\n"])
def test_a_recipe_that_says_nothing_is_refused(text):
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, name="mine")
    assert str(caught.value) == (
        "a recipe must say something; got a file with no keys. "
        "Copy one and change it: `pictree recipes tree > mine.toml`."
    )
