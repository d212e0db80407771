"""Fine-tune pre-trained weights on classes of one's own: a folder for each, with a few videos in it."""

import argparse
from functools import partial

import lightning
import torch
from torch import nn

from iic_ptv.data.clip_reader import ClipReader
from iic_ptv.data.clips import ClipDataset, EvaluationClipDataset
from iic_ptv.data.collections import class_folders
from iic_ptv.data.recognition_module import RecognitionDataModule
from iic_ptv.models import r3d
from iic_ptv.tasks.recognition import RecognitionTask
from iic_ptv.transforms import Residual, evaluation_transform, train_transform
from iic_ptv.zoo import get_weights

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("train", help="a folder of class folders")
parser.add_argument("validation", help="another, with the same classes")
parser.add_argument("--epochs", type=int, default=50)
parser.add_argument("--output", default="finetuned.pth")
options = parser.parse_args()

train, validation = class_folders(options.train), class_folders(options.validation)
size, crop = (72, 96), 64  # these weights were trained on small frames
model = r3d(num_classes=len(train.class_names))
pretrained = get_weights("r3d.iic_procedural").get_state_dict()
model.load_state_dict(pretrained, strict=False)  # all but the new classifier
data = RecognitionDataModule(
    ClipDataset(train, ClipReader(16, size=size), seed=0),
    EvaluationClipDataset(validation.relabelled(train.class_names), ClipReader(16, size=size), num_clips=3),
    transform=train_transform(crop, size),
    validation_transform=evaluation_transform(crop, size),
    batch_size=16,
)
task = RecognitionTask(
    model=model,
    loss=nn.CrossEntropyLoss(),
    optim=partial(torch.optim.SGD, lr=1e-3, momentum=0.9, weight_decay=5e-4),
    view=Residual(scaled=False),
    class_names=train.class_names,
)
trainer = lightning.Trainer(max_epochs=options.epochs, logger=False, enable_checkpointing=False)
trainer.fit(task, datamodule=data)
print({name: round(value.item(), 3) for name, value in trainer.callback_metrics.items()})
torch.save({"classes": train.class_names, "model": model.state_dict()}, options.output)
