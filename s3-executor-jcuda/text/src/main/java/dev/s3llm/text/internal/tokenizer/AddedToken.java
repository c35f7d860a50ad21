package dev.s3llm.text.internal.tokenizer;

/**
 * An entry of the added tokens of a tokenizer: a text that becomes one token wherever it stands.
 *
 * @param content the text
 * @param id the token id, at least 0
 * @param special whether decoding leaves it out
 * @param normalized whether it is searched in the normalized text
 * @param singleWord whether it is a token only where no word character stands beside it
 */
record AddedToken(
    String content, int id, boolean special, boolean normalized, boolean singleWord) {}
