package dev.s3llm.examples.cli.inspect;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one path, as {@code inspect --json} writes it.
 *
 * @param path the path as the user wrote it
 * @param supported whether an executor can load the model
 * @param family {@code model_type} of the model; null if unknown
 * @param parameters number of weights; null if the model is not supported
 * @param weightFormat format of most of the weights, such as {@code bf16} or {@code q4_1}; null if
 *     unknown
 * @param bytes bytes of the weights; null if they are not there
 * @param reason why the model is not supported, or why it runs with token ids alone; null if there
 *     is nothing to say
 */
record Inspection(
    @JsonProperty("path") String path,
    @JsonProperty("supported") boolean supported,
    @JsonProperty("family") @Nullable String family,
    @JsonProperty("parameters") @Nullable Long parameters,
    @JsonProperty("weight_format") @Nullable String weightFormat,
    @JsonProperty("bytes") @Nullable Long bytes,
    @JsonProperty("reason") @Nullable String reason) {}
