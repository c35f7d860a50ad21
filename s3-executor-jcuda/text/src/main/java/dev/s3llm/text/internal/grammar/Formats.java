package dev.s3llm.text.internal.grammar;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Expressions for the formats of JSON schema. Each describes a part of what its format allows, so
 * that every library that checks it agrees.
 */
final class Formats {
  private static final String MONTH_DAY =
      "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)"
          + "|02-(?:0[1-9]|1\\d|2[0-8]))";
  private static final String LEAP_DAY =
      "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29";
  private static final String DATE = "(?:\\d{4}-" + MONTH_DAY + "|" + LEAP_DAY + ")";
  private static final String TIME =
      "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?" + "(?:Z|[+-](?:0\\d|1[0-7]):[0-5]\\d)";
  private static final String LABEL = "[a-zA-Z0-9]{1,16}(?:-[a-zA-Z0-9]{1,16}){0,2}";
  private static final String HOST = LABEL + "(?:\\." + LABEL + "){0,3}";
  private static final String EMAIL =
      "[a-zA-Z0-9_+-]{1,20}(?:\\.[a-zA-Z0-9_+-]{1,20}){0,2}@" + HOST + "\\.[a-z]{2,6}";
  private static final String BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
  private static final String IPV4 = BYTE + "(?:\\." + BYTE + "){3}";
  private static final String HEX = "[0-9a-fA-F]";
  private static final String GROUP = HEX + "{1,4}";
  private static final String IPV6 =
      "(?:(?:" + GROUP + ":){7}" + GROUP + "|::|" + shortened() + ")";
  private static final String PATH = "(?:[a-zA-Z0-9._~-]|%" + HEX + "{2})";
  private static final String URI =
      "(?:https?|ftp)://[a-zA-Z][a-zA-Z0-9]{0,20}(?:\\.[a-zA-Z][a-zA-Z0-9]{0,20}){0,4}"
          + "(?::[1-9]\\d{0,3})?(?:/"
          + PATH
          + "*)*(?:\\?"
          + PATH
          + "+(?:="
          + PATH
          + "*)?(?:&"
          + PATH
          + "+(?:="
          + PATH
          + "*)?)*)?(?:#"
          + PATH
          + "+)?"
          + "|urn:[a-z][a-z0-9]{1,10}:[a-zA-Z0-9._-]+";
  private static final String REFERENCE =
      "(?:" + URI + "|/?" + PATH + "+(?:/" + PATH + "+)*(?:#" + PATH + "+)?|#" + PATH + "+)";
  private static final String POINTER = "(?:/(?:[a-zA-Z0-9._-]|~[01])*)*";
  private static final String DURATION_TIME =
      "T(?:\\d{1,4}H(?:\\d{1,4}M(?:\\d{1,4}S)?)?|\\d{1,4}M(?:\\d{1,4}S)?|\\d{1,4}S)";
  private static final String DURATION_DATE =
      "(?:\\d{1,4}D|\\d{1,4}M(?:\\d{1,4}D)?|\\d{1,4}Y(?:\\d{1,4}M(?:\\d{1,4}D)?)?)";

  private static final Map<String, String> KNOWN =
      Map.ofEntries(
          Map.entry("date", DATE),
          Map.entry("time", TIME),
          Map.entry("date-time", DATE + "T" + TIME),
          Map.entry(
              "duration",
              "P(?:" + DURATION_DATE + "(?:" + DURATION_TIME + ")?|" + DURATION_TIME + ")"),
          Map.entry("email", EMAIL),
          Map.entry("idn-email", EMAIL),
          Map.entry("hostname", HOST),
          Map.entry("idn-hostname", HOST),
          Map.entry("ipv4", IPV4),
          Map.entry("ipv6", IPV6),
          Map.entry("uri", URI),
          Map.entry("iri", URI),
          Map.entry("uri-template", URI),
          Map.entry("uri-reference", REFERENCE),
          Map.entry("iri-reference", REFERENCE),
          Map.entry("json-pointer", POINTER),
          Map.entry(
              "uuid", HEX + "{8}-" + HEX + "{4}-" + HEX + "{4}-" + HEX + "{4}-" + HEX + "{12}"));

  /** Formats of the standard that no expression here describes. */
  private static final Set<String> REFUSED = Set.of("relative-json-pointer", "regex");

  private Formats() {}

  private static String shortened() {
    StringBuilder forms = new StringBuilder();
    for (int before = 0; before <= 6; before++) {
      for (int after = before == 0 ? 1 : 0; after <= 6 - before; after++) {
        forms.append(forms.isEmpty() ? "" : "|");
        forms.append("(?:" + GROUP + ":){" + before + "}").append(before == 0 ? "::" : ":");
        forms.append(after == 0 ? "" : "(?:" + GROUP + ":){" + (after - 1) + "}" + GROUP);
      }
    }
    return forms.toString();
  }

  /** Returns the expression of a format; null if the format is not one of the standard. */
  static @Nullable String pattern(String format) {
    return KNOWN.get(format);
  }

  static boolean isRefused(String format) {
    return REFUSED.contains(format);
  }
}
