package dev.s3llm.jcuda.internal.speech;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.model.speech.Decoding;
import dev.s3llm.model.speech.Recording;
import dev.s3llm.model.speech.SpeechDevice;
import dev.s3llm.model.speech.SpeechInput;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures, before the first request, the costs of swapping a block and of encoding a frame on this
 * machine. Its calls also raise the limits of the kernels.
 */
final class SpeechCosts {
  private static final int MOST_FRAMES = 512;
  private static final int MOST_BLOCKS = 64;

  private SpeechCosts() {}

  /** Makes a few calls on KV blocks that no sequence owns yet, and returns their costs. */
  static RecoveryCosts measure(SpeechDevice device, SpeechProfile sizes) {
    ExecutorProfile profile = sizes.profile(RecoveryCosts.UNKNOWN);
    int frames =
        (int)
            Math.min(
                Math.min(MOST_FRAMES, profile.maxTokensPerStep()),
                Math.min(profile.maxContextTokens(), profile.capacityTokens()));
    float[] silence = new float[4 * frames * device.config().melBands()];
    SpeechInput input = new SpeechInput(silence, 4 * frames, Decoding.of(Decoding.Strategy.CTC, 1));
    List<Recording> recordings = List.of(new Recording(new Frames(input, profile), input));
    device.encode(recordings);
    long start = System.nanoTime();
    device.encode(recordings);
    double recompute = (double) (System.nanoTime() - start) / frames;
    int blocks = Math.min(MOST_BLOCKS, Math.min(profile.blockCount(), profile.hostBlockCount()));
    return new RecoveryCosts(blocks == 0 ? 0 : swapNanos(device, blocks), recompute);
  }

  private static double swapNanos(SpeechDevice device, int blocks) {
    List<StepBatch.BlockCopy> copies = new ArrayList<>();
    for (int i = 0; i < blocks; i++) {
      copies.add(new StepBatch.BlockCopy(0, i, i));
    }
    StepBatch out = new StepBatch(0, List.of(), copies, List.of());
    StepBatch in = new StepBatch(0, List.of(), List.of(), copies);
    device.copy(out);
    long start = System.nanoTime();
    device.copy(out);
    device.copy(in);
    return (double) (System.nanoTime() - start) / blocks;
  }

  /** A recording in the first blocks. */
  private record Frames(SpeechInput input, ExecutorProfile profile) implements SequenceStep {
    @Override
    public long sequenceId() {
      return Long.MAX_VALUE;
    }

    @Override
    public int startPosition() {
      return 0;
    }

    @Override
    public int tokenCount() {
      return input.slots();
    }

    @Override
    public int token(int position) {
      return 0;
    }

    @Override
    public int promptTokens() {
      return input.slots();
    }

    @Override
    public int committedTokens() {
      return 0;
    }

    @Override
    public int maxNewTokens() {
      return 1;
    }

    @Override
    public int block(int index) {
      return index;
    }

    @Override
    public int blockCount() {
      return profile.blocksFor(input.slots());
    }

    @Override
    public boolean samples() {
      return true;
    }

    @Override
    public SamplingParameters sampling() {
      return SamplingParameters.GREEDY;
    }
  }
}
