package dev.s3llm.text.internal.jinja;

/**
 * A text inside foreign variables that counts as the template's own.
 *
 * @param text the text
 */
public record OwnText(String text) {}
