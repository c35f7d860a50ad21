package dev.s3llm.examples.server.autoconfigure;

import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Pattern;
import java.nio.file.Path;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMax;
import org.hibernate.validator.constraints.time.DurationMin;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * Properties of speech to text.
 *
 * @param enabled whether {@code /v1/audio/transcriptions} is served.
 * @param model folder of a speech model. Default: the embedded one, for spelled letters, numbers
 *     and short commands in English.
 * @param modelName name of the model for clients.
 * @param device device that runs the model: host (the CPU) or cuda (the first GPU).
 * @param kvMemory memory for keys and values.
 * @param threads threads that run the model on the CPU; 0 means one for each processor.
 * @param passes passes over a canvas.
 * @param passesUnderLoad passes while recordings wait for memory. Default: as passes.
 * @param longest longest recording that is accepted.
 * @param maxFileSize largest upload, up to 2 GB.
 * @param maxLiveRequests most recordings that wait or run; further ones are refused.
 */
@Validated
@ConfigurationProperties("s3llm.speech")
public record SpeechProperties(
    @DefaultValue("false") boolean enabled,
    @Nullable Path model,
    @DefaultValue("s3-speech") String modelName,
    @DefaultValue("host") @Pattern(regexp = "host|cuda") String device,
    @DefaultValue("64MB") DataSize kvMemory,
    @DefaultValue("0") @Min(0) int threads,
    @DefaultValue("3") @Min(1) @Max(1000) int passes,
    @Min(1) @Nullable Integer passesUnderLoad,
    @DefaultValue("60s") @DurationMin(millis = 1) @DurationMax(hours = 1) Duration longest,
    @DefaultValue("10MB") DataSize maxFileSize,
    @DefaultValue("256") @Min(1) int maxLiveRequests) {

  @AssertTrue(message = "s3llm.speech.kv-memory must be positive")
  boolean isKvMemoryPositive() {
    return kvMemory.toBytes() > 0;
  }

  @AssertTrue(message = "s3llm.speech.max-file-size must be from 1 byte to 2 GB")
  boolean isMaxFileSizeInRange() {
    return maxFileSize.toBytes() > 0 && maxFileSize.toBytes() <= Integer.MAX_VALUE;
  }

  @AssertTrue(message = "s3llm.speech.passes-under-load must be at most s3llm.speech.passes")
  boolean isPassesUnderLoadInRange() {
    return passesUnderLoad == null || passesUnderLoad <= passes;
  }

  /** Returns the number of passes while recordings wait. */
  int leastPasses() {
    return passesUnderLoad == null ? passes : passesUnderLoad;
  }
}
