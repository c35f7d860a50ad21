package dev.s3llm.cpu;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.model.speech.CanvasPass;
import dev.s3llm.model.speech.CtcText;
import dev.s3llm.model.speech.Recording;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechDevice;
import java.util.ArrayList;
import java.util.List;

/**
 * The arithmetic of a speech model on the CPU, in fp32: the reference for the kernels of other
 * devices. Recordings are encoded one after another, canvases are decoded together.
 */
final class CpuSpeechDevice implements SpeechDevice {
  private final SpeechConfig config;
  private final ExecutorProfile profile;
  private final CpuKvCache cache;
  private final WorkerPool workers;
  private final CpuSpeechEncoder encoder;
  private final CpuSpeechDecoder decoder;

  /**
   * Creates a device.
   *
   * @param config shape of the model
   * @param weights weights of the model
   * @param profile memory and limits
   * @param workers threads; closed with the device
   */
  CpuSpeechDevice(
      SpeechConfig config, CpuSpeechWeights weights, ExecutorProfile profile, WorkerPool workers) {
    this.config = config;
    this.profile = profile;
    this.workers = workers;
    this.cache =
        new FloatKvCache(
            config.decoderLayers(),
            config.heads(),
            config.headSize(),
            profile.blockTokens(),
            profile.blockCount(),
            profile.hostBlockCount());
    CpuKernels kernels = new CpuKernels(cache, workers);
    this.encoder = new CpuSpeechEncoder(config, weights, kernels, workers);
    this.decoder = new CpuSpeechDecoder(config, weights.decoder(), kernels);
  }

  @Override
  public SpeechConfig config() {
    return config;
  }

  @Override
  public ExecutorProfile profile() {
    return profile;
  }

  @Override
  public void copy(StepBatch batch) {
    cache.copy(batch);
  }

  @Override
  public List<CtcText> encode(List<Recording> recordings) {
    List<CtcText> texts = new ArrayList<>();
    for (Recording recording : recordings) {
      texts.add(encode(recording));
    }
    return texts;
  }

  private CtcText encode(Recording recording) {
    int frames = recording.input().slots();
    float[] encoded = encoder.encode(recording.input());
    CtcText text = CtcText.of(config, encoder.ctcLogits(encoded), frames);
    decoder.addIndex(encoded, text.index());
    decoder.store(recording.sequence(), encoded);
    return text;
  }

  @Override
  public float[] decode(List<CanvasPass> passes) {
    return decoder.decode(passes);
  }

  @Override
  public void close() {
    workers.close();
  }
}
