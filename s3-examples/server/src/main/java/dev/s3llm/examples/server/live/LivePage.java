package dev.s3llm.examples.server.live;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/** The page as one file, with a policy that allows its own script and its own server only. */
public final class LivePage {
  private static final List<String> SCRIPTS =
      List.of("dom.js", "helpers.js", "requests.js", "map.js", "charts.js", "connection.js");

  private static final String TOY =
      "<p class=\"note\">The server runs the embedded toy model, whose answers make little sense; set"
          + " s3llm.model for a real one.</p>";

  private final String html;
  private final String policy;

  /**
   * Reads the page's files.
   *
   * @param toy whether the header says that the model is a toy
   */
  public LivePage(boolean toy) {
    String style = resource("page.css");
    String script = script();
    html =
        resource("page.html")
            .replace("<!--NOTICE-->", toy ? TOY : "")
            .replace("/*STYLE*/", style)
            .replace("/*SCRIPT*/", script);
    policy =
        "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
            + " frame-ancestors 'none'; style-src '%s'; script-src '%s'"
                .formatted(hash(style), hash(script));
  }

  /** Returns the page. */
  public String html() {
    return html;
  }

  /** Returns the page's content security policy. */
  public String policy() {
    return policy;
  }

  /** Returns the scripts in one function, so that their names are not global. */
  private static String script() {
    return SCRIPTS.stream()
        .map(LivePage::resource)
        .collect(Collectors.joining("\n", "'use strict';\n(() => {\n", "})();\n"));
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return "sha256-" + Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static String resource(String name) {
    try (InputStream in = LivePage.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
