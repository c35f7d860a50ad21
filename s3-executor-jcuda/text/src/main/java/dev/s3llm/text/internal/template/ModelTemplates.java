package dev.s3llm.text.internal.template;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The chat templates of a model, and the tokens that they may write.
 *
 * @param sources the templates; none if the model has none
 * @param specialTokens texts of special tokens, or lists of them, by their names in templates, such
 *     as {@code bos_token}; those that the model does not have are absent
 * @param addedTokens texts of the tokens that the tokenizer recognises as a whole; none if they are
 *     not known
 */
public record ModelTemplates(
    List<TemplateSource> sources, Map<String, Object> specialTokens, Set<String> addedTokens) {}
