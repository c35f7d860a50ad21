package dev.s3llm.cpu;

import dev.s3llm.model.TensorSource;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechDevice;

/** Opens the CPU's speech device, which only its own package sees, to the tests of the GPU. */
public final class CpuSpeechDevices {
  private CpuSpeechDevices() {}

  /** Returns a device of two threads. */
  public static SpeechDevice open(SpeechConfig config, TensorSource source) {
    return CpuSpeechExecutor.builder(config, source)
        .kvBytes(64L << 20)
        .swapBytes(1 << 20)
        .threads(2)
        .device(
            task -> {
              Thread thread = new Thread(task, "cpu-speech");
              thread.setDaemon(true);
              return thread;
            });
  }
}
