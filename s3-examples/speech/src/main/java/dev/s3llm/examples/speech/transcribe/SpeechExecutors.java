package dev.s3llm.examples.speech.transcribe;

import dev.s3llm.cpu.CpuSpeechExecutor;
import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.JCudaSpeechExecutor;

/** Creates executors of a speech model. */
public final class SpeechExecutors {
  private SpeechExecutors() {}

  /**
   * Loads a model onto the CPU.
   *
   * @param model an open model
   * @param kvBytes KV memory, in bytes
   * @param threads threads of the arithmetic; 0 for one for each processor
   * @throws IllegalArgumentException if the KV memory holds no block
   * @throws dev.s3llm.model.ModelFormatException if the weights are damaged
   */
  public static Executor cpu(SpeechModel model, long kvBytes, int threads) {
    CpuSpeechExecutor.Builder builder =
        CpuSpeechExecutor.builder(model.config(), model.tensors()).kvBytes(kvBytes);
    if (threads > 0) {
      builder.threads(threads);
    }
    return builder.build();
  }

  /**
   * Loads a model onto the first GPU.
   *
   * @param model an open model
   * @param kvBytes KV memory, in bytes
   * @throws IllegalArgumentException if the KV memory holds no block
   * @throws IllegalStateException if there is no GPU that can run it
   * @throws dev.s3llm.model.ModelFormatException if the weights are damaged
   */
  public static Executor cuda(SpeechModel model, long kvBytes) {
    return JCudaSpeechExecutor.builder(model.config(), model.tensors()).kvBytes(kvBytes).build();
  }
}
