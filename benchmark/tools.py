"""The services that are offered to methods, on this machine; each result is kept in the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.embedding import Embedder, real_pictures, synthetic_pictures
from benchmark.progress import Stages, up_to
from benchmark.settings import RunSettings
from benchmark.store import IMAGES, Store
from benchmark.stored_states import StoredStates
from benchmark.synthetic_checks import checked_to_keep
from datasets.base import Example
from datasets.errors import UserError
from datasets.few_shot import FewShotTask
from datasets.plugins import code_of
from datasets.plurals import counted
from datasets.seeding import fingerprint, seed_from
from evaluation.arrays import Doubles, Indices, Singles
from evaluation.loading import worker_count
from methods.base import METHODS, Method, SyntheticImage, SyntheticSet
from methods.plan import PLACEHOLDER, Plan, PlanRow, Vector
from methods.settings import GeneratorSettings

if TYPE_CHECKING:
    from PIL.Image import Image

    from evaluation.batch_statistics import DriftingBackbone
    from evaluation.calibration import Calibration
    from methods.generator import Generator


class Models:
    """The networks that are loaded, shared by all runs of a process."""

    def __init__(self, store: Store, stages: Stages, workers: int = -1) -> None:
        self.store = store
        self.stages = stages
        self.workers = workers
        self._embedders: dict[tuple[str, int, str], Embedder] = {}
        self._drifting: dict[tuple[str, int], DriftingBackbone] = {}
        self._generators: dict[str, Generator] = {}

    def embedder(self, name: str, image_size: int, dtype: str) -> Embedder:
        """The embedder for a backbone at one image size and in one precision."""
        key = (name, image_size, dtype)
        if key not in self._embedders:
            self._embedders[key] = Embedder(name, image_size, self.store, self.stages, self.workers, dtype)
        return self._embedders[key]

    def drifting_backbone(self, name: str, image_size: int) -> DriftingBackbone:
        """A network for `backbone_mode: train`; its user must restore its statistics first."""
        from evaluation.batch_statistics import load_drifting_backbone

        if (name, image_size) not in self._drifting:
            self._drifting[name, image_size] = load_drifting_backbone(name, image_size)
        return self._drifting[name, image_size]

    def generator(self, settings: GeneratorSettings) -> Generator:
        from methods.generator import Generator

        key = fingerprint(asdict(settings))
        if key not in self._generators:
            self._generators[key] = Generator(settings)
        return self._generators[key]


class LocalTools:
    """Implements `methods.base.Tools`. Heavy libraries are imported by the service that needs them.

    first_task: the first task of the job; with `words_of: first_task`, all tasks share its words.
    calibration: calibration of the guide classifier used last, for the record.
    """

    def __init__(self, settings: RunSettings, models: Models, first_task: FewShotTask) -> None:
        self.settings = settings
        self.models = models
        self._first_task = first_task
        self.store = models.store
        self.stages = models.stages
        self.calibration: Calibration | None = None

    @property
    def feature_embedder(self) -> Embedder:
        """The embedder for the measures of synthetic images."""
        features = self.settings.features
        return self.models.embedder(features.name, features.image_size, features.dtype)

    @property
    def workers(self) -> int:
        return worker_count(self.models.workers)

    @property
    def classifier_embedder(self) -> Embedder:
        classifier = self.settings.classifier
        return self.models.embedder(classifier.backbone, classifier.image_size, classifier.dtype)

    @property
    def drifting_backbone(self) -> DriftingBackbone:
        return self.models.drifting_backbone(self.settings.classifier.backbone, self.settings.classifier.image_size)

    @property
    def generator(self) -> Generator:
        return self.models.generator(self.settings.generator)

    def open_networks(self, method: Method) -> None:
        """Load the frozen networks that every cell of a method needs, as would happen at the first picture.

        Raises:
            UserError: weights cannot be obtained, or do not fit into the GPU's memory.
        """
        drifts = self.settings.classifier.backbone_mode == "train"
        _ = self.drifting_backbone if drifts else self.classifier_embedder.backbone
        if "features" in method.services:
            _ = self.feature_embedder.backbone

    def textual_inversion(self, task: FewShotTask) -> tuple[Vector, ...]:
        """One learned word per class; classes that are learned together are kept together in the store."""
        self._check_declared("generator", "textual_inversion", "features")
        from methods.class_groups import class_groups

        task = self._task_of_words(task)
        words: dict[int, Vector] = {}
        for group in class_groups(self.generator, self.settings.textual_inversion, len(task.classes)):
            words.update(zip(group, self._words(task, group), strict=True))
        return tuple(words[label] for label in range(len(task.classes)))

    def prompts(self, task: FewShotTask, per_class: int) -> tuple[tuple[str, ...], ...]:
        """Per class, `per_class` prompts; a server's are kept, while those from word lists and files are made anew."""
        self._check_declared("prompts")
        with self.stages.stage("prompts", total=len(task.classes)) as advance:
            texts = []
            for noun in task.classes:
                texts.append(self._class_prompts(task, noun, per_class))
                advance(1)
        return tuple(texts)

    def generate(self, task: FewShotTask, plan: Plan) -> SyntheticSet:
        """The plan's images; only those missing in the store are made, and each batch is kept when it is done."""
        self._check_declared("generator", "features")
        digests = {guide: task.dataset.digest(task.train[guide]) for guide in {row.guide for row in plan.rows}}
        keys = [self._image_key(row, digests[row.guide], plan.words[row.word]) for row in plan.rows]
        paths = {key: self.store.image(IMAGES, key) for key in dict.fromkeys(keys)}
        missing = {key: row for key, row in zip(keys, plan.rows, strict=True) if paths[key] is None}
        if missing:
            paths |= self._generate_missing(task, plan, missing)
        pairs = zip(plan.rows, keys, strict=True)
        return SyntheticSet(tuple(SyntheticImage(row, _present(paths[key])) for row, key in pairs))

    def keep(self, task: FewShotTask, images: Iterable[tuple[int, Image]]) -> SyntheticSet:
        """Store images that the method made itself, each with its guide; their keys depend on their pixels."""
        self._check_declared("features")
        rows: list[PlanRow] = []

        def by_content() -> Iterator[tuple[str, Image]]:
            for guide, image in checked_to_keep(images, task):
                rows.append(_made_without_generator(guide, task))
                rgb = image.convert("RGB")
                yield fingerprint("kept image", rgb.size, hashlib.sha256(rgb.tobytes()).hexdigest()), rgb

        with self.stages.stage("generation", unit="images") as advance:
            paths = []
            for _, path in self.store.put_images(IMAGES, by_content()):
                paths.append(path)
                advance(1)
        return SyntheticSet(tuple(SyntheticImage(row, path) for row, path in zip(rows, paths, strict=True)))

    def confidence(self, task: FewShotTask, synthetic: SyntheticSet) -> Doubles:
        """Calibrated probability of each image's own label, in [0, 1], shape (images,)."""
        self._check_declared("guide_classifier")
        seed = seed_from("guide classifier", task.name, task.shots, task.seed)
        if self.settings.guide_classifier.backbone_mode == "train":
            from benchmark.drifting import drifting_confidence

            return drifting_confidence(task, synthetic, seed, self)
        return self._confidence_of_cached_views(task, synthetic, seed)

    def _check_declared(self, *services: str) -> None:
        """Refuse undeclared services: their settings do not distinguish runs, so stale figures could be reused."""
        name = self.settings.method
        for service in services:
            if service not in METHODS[name].services:
                what = "makes images, which are measured" if service == "features" else f"asks for '{service}'"
                raise UserError(f"method '{name}' {what}: add '{service}' to `services` of its class")

    def _confidence_of_cached_views(self, task: FewShotTask, synthetic: SyntheticSet, seed: int) -> Doubles:
        from evaluation.guide_classifier import guide_confidences

        settings, embedder = self.settings.guide_classifier, self.classifier_embedder
        pictures = synthetic_pictures(synthetic.images)
        real, validation = (real_pictures(task.dataset, part) for part in (task.train, task.validation))
        with self.stages.stage("confidence"):
            result = guide_confidences(
                embedder.embed(real, "rand_augment", settings.views_per_image),
                labels_of(task.train),
                embedder.embed(validation)[:, 0],
                labels_of(task.validation),
                embedder.embed(pictures, settings.confidence_transform, settings.confidence_views),
                synthetic.labels,
                len(task.classes),
                settings,
                seed,
            )
        self.calibration = result.calibration
        return result.confidence

    def _task_of_words(self, task: FewShotTask) -> FewShotTask:
        """The published code keeps its pipeline, and so the learned words, from the first task of a process."""
        return task if self.settings.textual_inversion.words_of == "each_task" else self._first_task

    def _words(self, task: FewShotTask, labels: Sequence[int]) -> Singles:
        settings = self.settings.textual_inversion
        examples = [[example for example in task.train if example.label == label] for label in labels]
        nouns = [task.classes[label] for label in labels]
        seeds = [seed_from("textual inversion", task.name, task.seed, noun) for noun in nouns]
        digests = [[task.dataset.digest(example) for example in own] for own in examples]
        how = {k: value for k, value in asdict(settings).items() if k not in ("classes_per_batch", "words_of")}
        if not settings.deterministic:
            del how["deterministic"]  # keeps the key of words from before this setting existed
        key = fingerprint("words", self.generator.fingerprint, how, digests, seeds, nouns)
        words = self.store.array("words", key)
        if words is None:
            states = StoredStates(self.store, key)
            words = self._learn(task, examples, seeds, nouns, states)
            self.store.put_array("words", key, words)
            states.clear()
        return words

    def _learn(
        self,
        task: FewShotTask,
        examples: Sequence[Sequence[Example]],
        seeds: Sequence[int],
        nouns: Sequence[str],
        states: StoredStates,
    ) -> Singles:
        from methods.textual_inversion import learn_words

        settings = self.settings.textual_inversion
        images = [[task.image(example) for example in own] for own in examples]
        steps = settings.tries * settings.steps * len(nouns)
        words = f"the word for {nouns[0]}" if len(nouns) == 1 else counted(len(nouns), "word")
        with self.stages.stage("textual_inversion", total=steps, unit=f"steps of {words}") as advance:
            return learn_words(self.generator, images, settings, seeds, up_to(advance), nouns, states)

    def _class_prompts(self, task: FewShotTask, noun: str, count: int) -> tuple[str, ...]:
        from methods.prompts import write_prompts
        from methods.prompts.openai_prompts import request
        from methods.prompts.sources import PROMPT_SOURCES

        settings = self.settings.prompts
        seed = seed_from("prompts", task.name, task.seed, noun)
        source = PROMPT_SOURCES[settings.source]
        if not source.kept:
            return tuple(write_prompts(noun, count, settings, seed, self._fits))
        no_part = ("timeout_seconds", "retries", "file", "request")
        what = {name: value for name, value in asdict(settings).items() if name not in no_part}
        own = [part for part in (code_of(source.write), source.content(settings)) if part]
        key = fingerprint("prompts", what, request(noun, count, settings), noun, count, seed, *own)
        texts = self.store.json("prompts", key)
        if texts is None:
            texts = write_prompts(noun, count, settings, seed, self._fits)
            self.store.put_json("prompts", key, texts)
        else:
            self._check_that_they_fit(texts, noun, self.store.path("prompts", key, ".json"))
        return tuple(texts)

    def _fits(self, prompt: str) -> bool:
        """Finds the checkpoint only when there is a prompt to check: if a server is down, nothing is downloaded."""
        return self.generator.fits(prompt)

    def _check_that_they_fit(self, prompts: Sequence[str], noun: str, file: Path) -> None:
        """Stored prompts may have been written for a checkpoint whose text encoder reads longer ones."""
        for prompt in prompts:
            if not self._fits(prompt):
                raise UserError(
                    f"stored prompt '{prompt[:60]}…' of class '{noun}' is too long for the text encoder of "
                    f"{self.settings.generator.checkpoint}, which cuts off its class word: delete {file} to have "
                    "others written, or set another prompts.model"
                )

    def _image_key(self, row: PlanRow, guide: str, word: Vector) -> str:
        """The key of a row's image, from the content of everything that the image depends on."""
        vector = hashlib.sha256(word.tobytes()).hexdigest() if PLACEHOLDER in row.prompt else ""
        how = (row.prompt, row.strength, row.guidance_scale, row.steps, row.seed)
        return fingerprint("image", self.generator.fingerprint, guide, vector, how)

    def _generate_missing(self, task: FewShotTask, plan: Plan, missing: dict[str, PlanRow]) -> dict[str, Path | None]:
        keys, rows = list(missing), list(missing.values())
        guides = {guide: task.image(task.train[guide]) for guide in {row.guide for row in rows}}
        paths: dict[str, Path | None] = {}
        with self.stages.stage("generation", total=len(rows), unit="images") as advance:
            made = ((keys[index], image) for index, image in self.generator.generate(rows, plan.words, guides))
            for key, path in self.store.put_images(IMAGES, made):
                paths[key] = path
                advance(1)
        return paths


def _made_without_generator(guide: int, task: FewShotTask) -> PlanRow:
    """The row of an image made without denoising steps and without a prompt."""
    return PlanRow(guide, task.train[guide].label, "", "", strength=0.0, guidance_scale=0.0, steps=0, seed=0)


def labels_of(examples: Sequence[Example]) -> Indices:
    return np.array([example.label for example in examples], dtype=np.int64)


def _present(path: Path | None) -> Path:
    assert path is not None, "the generator left out a row of the plan"
    return path
