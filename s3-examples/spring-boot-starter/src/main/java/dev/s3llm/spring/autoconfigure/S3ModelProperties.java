package dev.s3llm.spring.autoconfigure;

import dev.s3llm.model.ActivationFormat;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.WeightFormat;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Pattern;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * Properties of the model and the device that runs it.
 *
 * @param model Hugging Face folder of the model, or its .gguf file. Default: the embedded toy
 *     model, if s3-example-small-model is a dependency of the application.
 * @param modelName name of the model for clients and in metrics. Default: the name of the folder,
 *     or that of the file without .gguf.
 * @param lengthModel folder of a classifier that predicts answer lengths. Default: none, lengths
 *     are learned from finished answers; the small model has its own classifier.
 * @param lengthHead folder of a head that reads the model's hidden states while an answer grows and
 *     revises the prediction of its length. Default: none.
 * @param device device that runs the model: host (the CPU), cuda, cuda:0,1 (one pipeline stage for
 *     each GPU), cuda:0+1 (every layer on both GPUs), or auto (the first GPU if there is one, else
 *     the CPU).
 * @param kvMemory memory for keys and values. Default: 256 MB on the CPU, the free memory on a GPU.
 * @param kvPrecision how keys and values are stored: full (16 bits on a GPU, 32 on the CPU), or
 *     int8, which holds about twice the tokens of 16 bits and changes answers slightly.
 * @param weights how the model's matrices are kept: stored (as in the files), wide (16 bits on a
 *     GPU, 32 on the CPU), or rounded to int8, fp8 or int4 when they are read.
 * @param activations in what matrix products with weights in fp8 read their input: stored (as the
 *     files say), wide (16 bits on a GPU, 32 on the CPU), or fp8.
 * @param threads threads that run the model on the CPU; 0 means one for each processor.
 */
@Validated
@ConfigurationProperties("s3llm")
public record S3ModelProperties(
    @Nullable Path model,
    @Nullable String modelName,
    @Nullable Path lengthModel,
    @Nullable Path lengthHead,
    @DefaultValue("auto")
        @Pattern(regexp = "auto|host|cuda|cuda:\\d{1,3}((,\\d{1,3})*|(\\+\\d{1,3})*)")
        String device,
    @Nullable DataSize kvMemory,
    @DefaultValue("full") KvPrecision kvPrecision,
    @DefaultValue("stored") WeightFormat weights,
    @DefaultValue("stored") ActivationFormat activations,
    @DefaultValue("0") @Min(0) int threads) {

  @AssertTrue(message = "s3llm.kv-memory must be positive")
  boolean isKvMemoryPositive() {
    return kvMemory == null || kvMemory.toBytes() > 0;
  }
}
