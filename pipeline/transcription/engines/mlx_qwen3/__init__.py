"""Qwen3-ASR on MLX, many segments decoded together.

The path of a segment: `engine` pulls it and sorts it by length, `encoding` turns a group of them into mel
features and audio embeddings, `prompts` writes the token prompt around them, `decoding` fills a slot of the
batched key-value cache and decodes all slots a token at a time, `scheduler` retires finished rows and refills
their slots under the `memory` budget, `word_times` places the words. `weights` and `loading` bring the model.
Nothing here is imported before an engine is built: MLX is heavy, and must not be initialised before a fork.
"""
