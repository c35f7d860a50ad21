package dev.s3llm.examples.cli.simulation;

import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.memory.PrefixSharing;
import dev.s3llm.memory.PrefixSharing.Forgetting;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whether prompts that begin alike share KV blocks, and what is forgotten first. */
public final class PrefixOptions {
  private static final String NONE = "none";

  @Option(
      names = "--prefix",
      split = ",",
      defaultValue = NONE,
      paramLabel = "ORDER",
      description =
          "What is forgotten first of the prefixes that are kept: none (nothing is shared), lru "
              + "(least recently used), expected (lowest expected value), or clairvoyant (used again "
              + "last). Each policy and order runs with each; the first is the baseline.")
  private List<String> orders = List.of(NONE);

  @Option(
      names = "--prefix-tokens",
      paramLabel = "N",
      description =
          "Most tokens that are kept beside the running sequences. Default: as many as there is room for.")
  private @Nullable Long mostTokens;

  @Option(
      names = "--prefix-host",
      paramLabel = "SHARE",
      defaultValue = "0",
      description =
          "Part of the swap space that keeps forgotten prefixes, from 0 to 1, where copying them back "
              + "is faster than computing them. Default: ${DEFAULT-VALUE}")
  private double hostShare;

  /** Created by a command; picocli sets the fields. */
  public PrefixOptions() {}

  /**
   * Returns the name of a queue order, with that of the setting where prefixes are shared.
   *
   * @param order name of the queue order
   * @param prefix name of the setting, as {@code --prefix} has it
   */
  public static String label(String order, String prefix) {
    return prefix.equals(NONE) ? order : order + "+" + prefix;
  }

  /**
   * A setting of shared prefixes.
   *
   * @param name its name, as the user wrote it
   * @param sharing the setting
   * @param byFuture whether the coming uses decide what is forgotten
   */
  record Chosen(String name, PrefixSharing sharing, boolean byFuture) {}

  /**
   * Returns the settings to compare, the baseline first.
   *
   * @param masked whether a masked decoder is simulated, whose prompts are never shared
   * @throws UsageException if one is unknown, or the limit is out of range or of no use
   */
  List<Chosen> chosen(boolean masked) {
    boolean shared = orders.stream().anyMatch(order -> !order.strip().equals(NONE));
    if (mostTokens != null && mostTokens < 0) {
      throw new UsageException("--prefix-tokens " + mostTokens + ": must be at least 0");
    }
    if (!(hostShare >= 0 && hostShare <= 1)) {
      throw new UsageException("--prefix-host %s: must be from 0 to 1".formatted(hostShare));
    }
    if (mostTokens != null && !shared) {
      throw new UsageException("--prefix-tokens: needs --prefix lru, expected or clairvoyant");
    }
    if (masked && shared) {
      throw new UsageException("--prefix: cannot be combined with --canvas-passes");
    }
    return orders.stream().map(order -> chosen(order.strip())).toList();
  }

  /**
   * Returns the setting of a name that an engine can have; null if there is none.
   *
   * @param name none, lru or expected
   */
  public static @Nullable PrefixSharing named(String name) {
    return switch (name) {
      case NONE -> PrefixSharing.none();
      case "lru" -> PrefixSharing.keeping(Forgetting.LEAST_RECENTLY_USED);
      case "expected" -> PrefixSharing.keeping(Forgetting.EXPECTED_VALUE);
      default -> null;
    };
  }

  private Chosen chosen(String name) {
    boolean byFuture = name.equals("clairvoyant");
    PrefixSharing sharing = named(byFuture ? "lru" : name);
    if (sharing == null) {
      throw new UsageException(
          "--prefix %s: must be none, lru, expected or clairvoyant".formatted(name));
    }
    PrefixSharing hosted = sharing.hostShare(hostShare);
    return new Chosen(
        name, mostTokens == null ? hosted : hosted.maxKeptTokens(mostTokens), byFuture);
  }
}
