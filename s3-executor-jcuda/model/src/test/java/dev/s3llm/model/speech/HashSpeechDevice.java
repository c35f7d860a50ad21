package dev.s3llm.model.speech;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A device whose logits are hashes of what the KV blocks hold and of the canvas: any block that is
 * lost or overwritten, and any canvas that is not as it should be, changes the text. A recording
 * says how long its text is, and how many characters its CTC branch finds.
 */
class HashSpeechDevice implements SpeechDevice {
  /** The end has id 0, so that the prompts of the executor's contract are the end. */
  static final SpeechConfig CONFIG =
      new SpeechConfig(8, 2, 4, 8, 1, 1, 2, 2, 3, 1e-5f, 1e4, 1e4, 12, 1, 0, 2, 3, 300, 4, 2);

  private static final int END_ROW = 9;

  private final ExecutorProfile profile;
  private final long[] kv;
  private final long[] host;
  final List<Integer> encoded = new ArrayList<>();
  final List<Integer> decoded = new ArrayList<>();
  boolean closed;

  HashSpeechDevice(int blocks) {
    this(blocks, 64);
  }

  HashSpeechDevice(int blocks, int maxTokensPerStep) {
    profile =
        ExecutorProfile.builder()
            .kvBlocks(blocks, 4, 64)
            .hostBlocks(16)
            .maxContextTokens(100)
            .maxTokensPerStep(maxTokensPerStep)
            .maxSequencesPerStep(16)
            .vocabularySize(CONFIG.vocabularySize())
            .growth(KvGrowth.FIXED_CANVAS)
            .canvasPasses(3)
            .takesInputs(true)
            .build();
    kv = new long[blocks * 4];
    host = new long[16 * 4];
  }

  /** Returns the features of a recording. */
  static SpeechInput recording(int seed, int length, int ctcLength, int slots, Decoding decoding) {
    float[] features = new float[2 * 4 * slots];
    Arrays.fill(features, seed);
    features[0] = length;
    features[1] = ctcLength;
    return new SpeechInput(features, 4 * slots, decoding);
  }

  @Override
  public SpeechConfig config() {
    return CONFIG;
  }

  @Override
  public ExecutorProfile profile() {
    return profile;
  }

  @Override
  public void copy(StepBatch batch) {
    for (StepBatch.BlockCopy out : batch.swapOuts()) {
      System.arraycopy(kv, 4 * out.deviceBlock(), host, 4 * out.hostBlock(), 4);
    }
    for (StepBatch.BlockCopy in : batch.swapIns()) {
      System.arraycopy(host, 4 * in.hostBlock(), kv, 4 * in.deviceBlock(), 4);
    }
  }

  @Override
  public List<CtcText> encode(List<Recording> recordings) {
    encoded.add(recordings.size());
    for (Recording recording : recordings) {
      for (int t = 0; t < recording.input().slots(); t++) {
        write(recording.sequence(), t, frame(recording.input(), t));
      }
    }
    return recordings.stream().map(r -> ctc(r.input())).toList();
  }

  static CtcText ctc(SpeechInput input) {
    int count = (int) input.features()[1];
    int[] ids = new int[count];
    float[] confidences = new float[count];
    for (int i = 0; i < count; i++) {
      long hash = mix(frame(input, 0) + i);
      ids[i] = 3 + (int) Long.remainderUnsigned(hash, 9);
      confidences[i] = 0.8f + (hash >>> 40 & 0xff) / 1280f;
    }
    return new CtcText(ids, confidences, new int[input.slots()]);
  }

  @Override
  public float[] decode(List<CanvasPass> passes) {
    decoded.add(passes.size());
    float[] logits = new float[0];
    for (CanvasPass pass : passes) {
      float[] rows = pass.causal() ? causal(pass) : masked(pass);
      int before = logits.length;
      logits = Arrays.copyOf(logits, before + rows.length);
      System.arraycopy(rows, 0, logits, before, rows.length);
    }
    return logits;
  }

  private float[] masked(CanvasPass pass) {
    int slots = input(pass).slots();
    for (int p = 0; p < pass.ids().length; p++) {
      write(pass.sequence(), slots + p, pass.ids()[p]);
    }
    return logits(input(pass), memory(pass.sequence(), slots), pass.ids(), 0, true);
  }

  private float[] causal(CanvasPass pass) {
    int slots = input(pass).slots();
    int[] ids = new int[pass.first() + pass.ids().length];
    for (int i = 0; i < pass.ids().length; i++) {
      write(pass.sequence(), slots + pass.first() + i, pass.ids()[i]);
    }
    for (int p = 0; p < ids.length; p++) {
      ids[p] = (int) kv[slot(pass.sequence(), slots + p)];
    }
    return logits(input(pass), memory(pass.sequence(), slots), ids, pass.first(), false);
  }

  /** Returns the logits of the rows of a canvas from a position on. */
  static float[] logits(SpeechInput input, int[] ids, boolean masked) {
    long[] memory = new long[input.slots()];
    Arrays.setAll(memory, t -> frame(input, t));
    return logits(input, Arrays.hashCode(memory), ids, 0, masked);
  }

  private static float[] logits(
      SpeechInput input, long memory, int[] ids, int first, boolean masked) {
    int vocabulary = CONFIG.vocabularySize();
    float[] logits = new float[(ids.length - first) * vocabulary];
    for (int p = first; p < ids.length; p++) {
      int[] seen = masked ? ids : Arrays.copyOf(ids, p + 1);
      long context = mix(memory * 31 + Arrays.hashCode(seen)) + p * 64L;
      for (int id = 0; id < vocabulary; id++) {
        long hash = mix(context + id);
        logits[(p - first) * vocabulary + id] = (hash >>> 40 & 0xfff) / 1024f;
      }
      if (!masked) {
        logits[(p - first) * vocabulary + CONFIG.endId()] = 0;
      }
      if (p >= input.features()[0]) {
        logits[(p - first) * vocabulary + CONFIG.endId()] = END_ROW;
      }
    }
    return logits;
  }

  private long memory(SequenceStep sequence, int slots) {
    long[] memory = new long[slots];
    Arrays.setAll(memory, t -> kv[slot(sequence, t)]);
    return Arrays.hashCode(memory);
  }

  private static SpeechInput input(CanvasPass pass) {
    return (SpeechInput) pass.sequence().input();
  }

  private void write(SequenceStep sequence, int position, long content) {
    kv[slot(sequence, position)] = content;
  }

  private static int slot(SequenceStep sequence, int position) {
    return 4 * sequence.block(position / 4) + position % 4;
  }

  private static long frame(SpeechInput input, int t) {
    return mix(Arrays.hashCode(input.features()) * 1000L + t);
  }

  private static long mix(long value) {
    long mixed = (value ^ value >>> 30) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
    return mixed ^ mixed >>> 31;
  }

  @Override
  public void close() {
    closed = true;
  }
}
