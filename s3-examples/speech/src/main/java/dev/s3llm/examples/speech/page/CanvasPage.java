package dev.s3llm.examples.speech.page;

import dev.s3llm.examples.speech.transcribe.SpeechModel;
import dev.s3llm.examples.speech.transcribe.Transcription;
import dev.s3llm.model.speech.CanvasListener.CanvasState;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechVocabulary;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A page that shows how the canvas of one recording is filled, pass by pass. It is one file without
 * scripts, and loads nothing from anywhere.
 */
public final class CanvasPage {
  /** Least probabilities of the shades 1 to 4; below the first the shade is 0. */
  private static final double[] SHADES = {0.5, 0.8, 0.95, 0.99};

  private final SpeechConfig config;
  private final SpeechVocabulary vocabulary;
  private final String file;
  private final String strategy;

  /**
   * Creates a page.
   *
   * @param model the model
   * @param file name of the recording
   * @param strategy name of the strategy
   */
  public CanvasPage(SpeechModel model, String file, String strategy) {
    config = model.config();
    vocabulary = model.vocabulary();
    this.file = file;
    this.strategy = strategy;
  }

  /**
   * Returns the page.
   *
   * @param trace the passes over the canvas; none for a strategy without a canvas
   * @param result the text
   * @param ctc the text of the CTC branch alone
   */
  public String html(CanvasTrace trace, Transcription result, Transcription ctc) {
    List<CanvasTrace.Pass> passes = trace.passes();
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < passes.size(); i++) {
      row(rows, i == 0 ? null : passes.get(i - 1).state(), passes.get(i));
    }
    return template()
        .replace("@FILE@", escaped(file))
        .replace("@STRATEGY@", escaped(strategy))
        .replace("@FACTS@", facts(passes, result))
        .replace("@CTC@", escaped(ctc.text().isEmpty() ? "(no text)" : ctc.text()))
        .replace("@CTC_MS@", millis(ctc.total().toNanos() / 1e6))
        .replace("@ROWS@", rows.isEmpty() ? noPasses() : rows.toString())
        .replace("@TEXT@", escaped(result.text().isEmpty() ? "(no text)" : result.text()));
  }

  private static String facts(List<CanvasTrace.Pass> passes, Transcription result) {
    Transcription.Canvas canvas = result.canvas();
    return fact("recording", "%.2f s".formatted(result.audio().seconds()))
        + fact("frames of the encoder", String.valueOf(result.audio().frames()))
        + fact("canvas", canvas.size() + " positions")
        + fact("length", result.text().length() + " characters")
        + fact("predicted before the encoder", result.predictedCharacters() + " characters")
        + fact("passes", String.valueOf(passes.isEmpty() ? canvas.passes() : passes.size()))
        + fact("doublings", String.valueOf(canvas.doublings()))
        + fact("whole request", millis(result.total().toNanos() / 1e6));
  }

  private static String fact(String name, String value) {
    return "<div><dt>%s</dt><dd>%s</dd></div>".formatted(name, escaped(value));
  }

  private static String noPasses() {
    return "<p>This strategy made no pass over a canvas.</p>";
  }

  private void row(StringBuilder out, @Nullable CanvasState before, CanvasTrace.Pass pass) {
    CanvasState state = pass.state();
    int filled = filled(state);
    String label =
        "Pass %d: %d of %s positions filled%s"
            .formatted(
                state.pass(),
                filled,
                state.length() < 0 ? "?" : state.length(),
                state.length() < 0 ? "; no end on the canvas, which is doubled" : "");
    out.append("<section><h3>").append(escaped(label)).append("</h3><p class=\"time\">");
    out.append(millis(pass.millis()));
    out.append(state.pass() == 1 ? ", encoder included" : "");
    out.append("</p><div class=\"canvas\" role=\"img\" aria-label=\"");
    out.append(escaped(label + ": " + spoken(state))).append("\">");
    for (int p = 0; p < state.ids().length; p++) {
      cell(out, before, state, p);
    }
    out.append("</div></section>\n");
  }

  private int filled(CanvasState state) {
    int filled = 0;
    for (int p = 0; p < state.length(); p++) {
      filled += state.ids()[p] == config.maskId() ? 0 : 1;
    }
    return filled;
  }

  /** Returns the canvas as a line of text, with a middle dot for each mask. */
  private String spoken(CanvasState state) {
    StringBuilder line = new StringBuilder();
    for (int p = 0; p < state.length(); p++) {
      int id = state.ids()[p];
      line.append(id == config.maskId() ? "·" : vocabulary.text(id));
    }
    return line.toString();
  }

  private void cell(StringBuilder out, @Nullable CanvasState before, CanvasState state, int p) {
    int id = state.ids()[p];
    if (id == config.maskId()) {
      out.append("<i class=\"m\" title=\"position %d: masked\">·</i>".formatted(p + 1));
    } else if (id == config.endId()) {
      out.append("<i class=\"e\" title=\"position %d: end\">&#x2400;</i>".formatted(p + 1));
    } else {
      String text = vocabulary.text(id);
      float confidence = state.confidences()[p];
      boolean fresh =
          before == null || before.ids().length != state.ids().length || before.ids()[p] != id;
      out.append(
          "<i class=\"s%d%s\" title=\"position %d: %s, probability %s\">%s</i>"
              .formatted(
                  shade(confidence),
                  fresh ? " n" : "",
                  p + 1,
                  text.isBlank() ? "space" : escaped(text),
                  "%.3f".formatted(confidence).replace(',', '.'),
                  text.isBlank() ? "&#x2423;" : escaped(text)));
    }
  }

  private static int shade(float confidence) {
    int shade = 0;
    while (shade < SHADES.length && confidence >= SHADES[shade]) {
      shade++;
    }
    return shade;
  }

  private static String millis(double value) {
    return String.format(Locale.ROOT, value < 10 ? "%.2f ms" : "%.0f ms", value);
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  private static String template() {
    try (InputStream in = CanvasPage.class.getResourceAsStream("canvas.html")) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks its resource canvas.html");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("canvas.html cannot be read", e);
    }
  }
}
