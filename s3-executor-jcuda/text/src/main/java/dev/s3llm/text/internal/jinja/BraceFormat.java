package dev.s3llm.text.internal.jinja;

import java.util.List;

/** {@code str.format} with plain fields: empty, a number or a name, without a format. */
final class BraceFormat {
  private BraceFormat() {}

  static Value format(Env env, Text text, Arguments arguments) {
    String chars = text.chars();
    TextBuilder out = new TextBuilder(env.budget());
    int next = 0;
    for (int i = 0; i < chars.length(); ) {
      char c = chars.charAt(i);
      boolean doubled = (c == '{' || c == '}') && chars.startsWith(String.valueOf(c), i + 1);
      if (doubled || (c != '{' && c != '}')) {
        out.append(text.sub(i, i + 1));
        i += doubled ? 2 : 1;
        continue;
      }
      int end = c == '{' ? chars.indexOf('}', i) : -1;
      if (end < 0) {
        throw JinjaException.runtime("single '%s' encountered in format string", c);
      }
      String field = chars.substring(i + 1, end);
      out.append(Repr.text(env, value(field, next, arguments)));
      next += field.isEmpty() ? 1 : 0;
      i = end + 1;
    }
    return out.toText();
  }

  private static Value value(String field, int next, Arguments arguments) {
    if (!field.chars().allMatch(c -> c == '_' || Character.isLetterOrDigit(c))) {
      throw JinjaException.runtime("the field '{%s}' of str.format is not supported", field);
    }
    Int index = field.isEmpty() ? Int.of(next) : NumberParser.integer(field, 10);
    List<Value> positional = arguments.positional();
    Value value =
        index == null
            ? arguments.named().get(field)
            : index.clamped() < positional.size() ? positional.get(index.clamped()) : null;
    if (value == null) {
      throw JinjaException.runtime("the field '{%s}' of str.format has no argument", field);
    }
    return value;
  }
}
