package dev.s3llm.jcuda.internal.speech;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.jcuda.internal.kv.ProbeSequence;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Recording;
import dev.s3llm.model.speech.SpeechDevice;
import dev.s3llm.model.speech.SpeechInput;
import java.util.List;

/**
 * Measures, before the first request, the costs of swapping a block and of encoding a frame on this
 * machine. Its calls also raise the limits of the kernels.
 */
final class SpeechCosts {
  private SpeechCosts() {}

  /** Makes a few calls on KV blocks that no sequence owns yet, and returns their costs. */
  static RecoveryCosts measure(SpeechDevice device, SpeechProfile sizes) {
    ExecutorProfile profile = sizes.profile(RecoveryCosts.UNKNOWN);
    int frames = ProbeSequence.tokens(profile);
    float[] silence = new float[4 * frames * device.config().melBands()];
    SpeechInput input = new SpeechInput(silence, 4 * frames, Decoding.of(Decoding.Strategy.CTC, 1));
    List<Recording> recordings =
        List.of(new Recording(new ProbeSequence(input.slots(), input, profile), input));
    device.encode(recordings);
    long start = System.nanoTime();
    device.encode(recordings);
    double recompute = (double) (System.nanoTime() - start) / frames;
    List<StepBatch.BlockCopy> copies = ProbeSequence.copies(profile);
    return new RecoveryCosts(copies.isEmpty() ? 0 : swapNanos(device, copies), recompute);
  }

  private static double swapNanos(SpeechDevice device, List<StepBatch.BlockCopy> copies) {
    StepBatch out = new StepBatch(0, List.of(), copies, List.of());
    StepBatch in = new StepBatch(0, List.of(), List.of(), copies);
    device.copy(out);
    long start = System.nanoTime();
    device.copy(out);
    device.copy(in);
    return (double) (System.nanoTime() - start) / copies.size();
  }
}
