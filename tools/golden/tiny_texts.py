"""Texts in several of BLOOM's languages, to train the tokenizer of the tiny golden models and as their inputs."""

TOKENIZER_LINES = [
    "The quick brown fox jumps over the lazy dog, and the dog does not mind at all.",
    "A man is playing a guitar on the street; a woman is listening to the music.",
    "Two children are running in the park with their dog.",
    "Le chat dort sur le canapé pendant que la pluie tombe sur la ville.",
    "El niño come una manzana roja en la cocina de su abuela.",
    "O homem está a ler um livro antigo perto da janela.",
    "猫が窓のそばで寝ている。一只猫在窗边睡觉，外面下着雨。",
    "बच्चा बगीचे में खेल रहा है। कुत्ता सो रहा है।",
    "القطة نائمة قرب النافذة، والمطر ينزل.",
    "Con mèo đang ngủ trên ghế. Trời đang mưa.",
    "The man is running. The woman is reading. The children are playing in the rain!",
]

# The texts have one to about sixty tokens. Double spaces, the leading space and the emoji are intentional.
ENCODE_TEXTS = [
    "a",
    " the",
    "The man is reading.",
    "Le chat dort  sur le canapé, n'est-ce pas?",
    "一只猫在窗边睡觉。",
    "बच्चा खेल रहा है।",
    "القطة نائمة 🐈 (hello)!\tend",
    "The woman is playing the guitar in the park and the children are listening to the music while the dog is "
    "running in the rain near an old window.",
]

ANCHORS = [
    "A man is playing a guitar.",
    "Two children are running in the park.",
    "Le chat dort sur le canapé.",
    "El niño come una manzana.",
    "一只猫在睡觉。",
    "The woman is reading an old book near the window.",
]
POSITIVES = [
    "Someone plays music.",
    "There are children outside.",
    "Un chat se repose.",
    "The boy eats.",
    "A cat sleeps.",
    "A person is reading.",
]
