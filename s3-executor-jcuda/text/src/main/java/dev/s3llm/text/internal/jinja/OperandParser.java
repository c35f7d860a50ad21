package dev.s3llm.text.internal.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Parses the operands of expressions: names, literals, what is in parentheses, and after them
 * attributes, indices, calls, filters and tests.
 */
abstract class OperandParser {
  private static final Set<String> NO_ARGUMENT = Set.of("else", "or", "and");

  private final TokenStream tokens;

  /** Failures of unknown filters and tests; in a condition they count only when they are used. */
  private final List<JinjaException> unknown = new ArrayList<>();

  private Set<String> names = new HashSet<>();

  OperandParser(TokenStream tokens) {
    this.tokens = tokens;
  }

  /** Parses an expression. */
  abstract Expr parse();

  /** Parses an expression, or several with commas between them, which are a tuple. */
  abstract Expr parseTuple(boolean conditions);

  /** Returns the names read since the last call, and collects the next ones in another set. */
  Set<String> swapNames(Set<String> others) {
    Set<String> before = names;
    names = others;
    return before;
  }

  int unknownNames() {
    return unknown.size();
  }

  /** Forgets the unknown filters and tests that were found after so many: they are conditional. */
  void tolerateUnknown(int from) {
    unknown.subList(from, unknown.size()).clear();
  }

  /** Fails if an unknown filter or test was found after so many. */
  void requireKnown(int from) {
    if (unknown.size() > from) {
      throw unknown.get(from);
    }
  }

  final Expr parsePrimary() {
    Token token = tokens.current();
    return switch (token.type()) {
      case NAME -> parseName(tokens.take());
      case STRING -> parseString();
      case INTEGER -> new Expressions.Constant(integer(tokens.take()));
      case FLOAT -> new Expressions.Constant(new Real(Double.parseDouble(tokens.take().text())));
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> parseParentheses();
            case "[" -> parseList();
            case "{" -> parseDict();
            default -> throw tokens.expected("an expression");
          };
      default -> throw tokens.expected("an expression");
    };
  }

  private Expr parseName(Token token) {
    return switch (token.text()) {
      case "true", "True" -> new Expressions.Constant(Bool.TRUE);
      case "false", "False" -> new Expressions.Constant(Bool.FALSE);
      case "none", "None" -> new Expressions.Constant(None.NONE);
      default -> {
        names.add(token.text());
        yield new Expressions.Name(token.text(), token.offset());
      }
    };
  }

  private Expr parseString() {
    StringBuilder text = new StringBuilder();
    while (tokens.current().is(TokenType.STRING)) {
      text.append(tokens.take().text());
    }
    return new Expressions.Constant(Text.of(text.toString()));
  }

  private Int integer(Token token) {
    String text = token.text().toLowerCase(Locale.ROOT);
    int radix =
        text.startsWith("0x") ? 16 : text.startsWith("0o") ? 8 : text.startsWith("0b") ? 2 : 10;
    if (text.length() > 1000) {
      throw tokens.failure(token, "this integer has too many digits");
    }
    return new Int(new BigInteger(radix == 10 ? text : text.substring(2), radix));
  }

  private Expr parseParentheses() {
    tokens.expectOperator("(");
    Expr inside =
        tokens.current().isOperator(")")
            ? new Expressions.Items(List.of(), Sequence.Kind.TUPLE)
            : parseTuple(true);
    tokens.expectOperator(")");
    return inside;
  }

  private Expr parseList() {
    tokens.expectOperator("[");
    List<Expr> items = new ArrayList<>();
    while (!tokens.current().isOperator("]")) {
      items.add(parse());
      if (!tokens.skipOperator(",") && !tokens.current().isOperator("]")) {
        throw tokens.expected("',' or ']'");
      }
    }
    tokens.expectOperator("]");
    return new Expressions.Items(items, Sequence.Kind.LIST);
  }

  private Expr parseDict() {
    int at = tokens.current().offset();
    tokens.expectOperator("{");
    List<Map.Entry<Expr, Expr>> entries = new ArrayList<>();
    while (!tokens.current().isOperator("}")) {
      Expr key = parse();
      tokens.expectOperator(":");
      entries.add(Map.entry(key, parse()));
      if (!tokens.skipOperator(",") && !tokens.current().isOperator("}")) {
        throw tokens.expected("',' or '}'");
      }
    }
    tokens.expectOperator("}");
    return new Expressions.Entries(entries, at);
  }

  final Expr parsePostfix(Expr base) {
    Expr expression = base;
    while (true) {
      Token token = tokens.current();
      if (token.isOperator(".")) {
        expression = parseAttribute(expression);
      } else if (token.isOperator("[")) {
        expression = parseSubscript(expression);
      } else if (token.isOperator("(")) {
        expression = new Expressions.Call(expression, parseArguments(), token.offset());
      } else {
        return expression;
      }
    }
  }

  private Expr parseAttribute(Expr base) {
    tokens.expectOperator(".");
    Token name = tokens.current();
    if (name.is(TokenType.INTEGER)) {
      return new Expressions.Item(
          base, new Expressions.Constant(integer(tokens.take())), name.offset());
    }
    tokens.expect(TokenType.NAME);
    return new Expressions.Attribute(base, Text.of(name.text()), name.offset());
  }

  private Expr parseSubscript(Expr base) {
    int at = tokens.current().offset();
    tokens.expectOperator("[");
    Expr from = tokens.current().isOperator(":") ? null : parseTuple(true);
    if (from != null && !tokens.current().isOperator(":")) {
      tokens.expectOperator("]");
      return new Expressions.Item(base, from, at);
    }
    tokens.expectOperator(":");
    Expr to = slicePart();
    Expr step = tokens.skipOperator(":") ? slicePart() : null;
    tokens.expectOperator("]");
    return new Expressions.Slice(base, from, to, step, at);
  }

  private @Nullable Expr slicePart() {
    Token token = tokens.current();
    return token.isOperator(":") || token.isOperator("]") ? null : parse();
  }

  CallArguments parseArguments() {
    tokens.expectOperator("(");
    List<Expr> positional = new ArrayList<>();
    Map<String, Expr> named = new LinkedHashMap<>();
    Expr rest = null;
    Expr namedRest = null;
    while (!tokens.current().isOperator(")")) {
      Token token = tokens.current();
      if (rest == null && namedRest == null && tokens.skipOperator("*")) {
        rest = parse();
      } else if (namedRest == null && tokens.skipOperator("**")) {
        namedRest = parse();
      } else if (token.is(TokenType.NAME)
          && tokens.following().isOperator("=")
          && namedRest == null) {
        tokens.take();
        tokens.take();
        named.put(token.text(), parse());
      } else if (named.isEmpty() && rest == null && namedRest == null) {
        positional.add(parse());
      } else {
        throw tokens.failure(token, "an argument without a name cannot follow those with one");
      }
      if (!tokens.skipOperator(",") && !tokens.current().isOperator(")")) {
        throw tokens.expected("',' or ')'");
      }
    }
    tokens.expectOperator(")");
    return positional.isEmpty() && named.isEmpty() && rest == null && namedRest == null
        ? CallArguments.NONE
        : new CallArguments(positional, named, rest, namedRest);
  }

  final Expr parseFiltersAndTests(Expr base) {
    Expr expression = base;
    while (true) {
      Token token = tokens.current();
      if (token.isOperator("|")) {
        tokens.take();
        expression = parseFilter(expression);
      } else if (token.isName("is")) {
        expression = parseTest(expression);
      } else if (token.isOperator("(")) {
        expression = new Expressions.Call(expression, parseArguments(), token.offset());
      } else {
        return expression;
      }
    }
  }

  /** Parses a filter's name and arguments, and the filters after it. */
  Expr parseFilterChain(Expr base) {
    Expr expression = parseFilter(base);
    while (tokens.skipOperator("|")) {
      expression = parseFilter(expression);
    }
    return expression;
  }

  private String dottedName() {
    StringBuilder name = new StringBuilder(tokens.expect(TokenType.NAME).text());
    while (tokens.skipOperator(".")) {
      name.append('.').append(tokens.expect(TokenType.NAME).text());
    }
    return name.toString();
  }

  private Expr parseFilter(Expr base) {
    Token token = tokens.current();
    String name = dottedName();
    CallArguments arguments =
        tokens.current().isOperator("(") ? parseArguments() : CallArguments.NONE;
    Filter filter = Filters.find(name);
    if (filter == null) {
      unknown.add(tokens.failure(token, Filters.unknown(name)));
    }
    return new Expressions.Filtered(base, name, filter, arguments, token.offset());
  }

  private Expr parseTest(Expr base) {
    tokens.expectName("is");
    boolean negated = tokens.skipName("not");
    Token token = tokens.current();
    String name = dottedName();
    CallArguments arguments = testArguments();
    Test test = Tests.find(name);
    if (test == null) {
      unknown.add(tokens.failure(token, Tests.unknown(name)));
    }
    Expr expression = new Expressions.Tested(base, name, test, arguments, token.offset());
    return negated ? new Expressions.Not(expression) : expression;
  }

  private CallArguments testArguments() {
    Token token = tokens.current();
    if (token.isOperator("(")) {
      return parseArguments();
    }
    if (token.isName("is")) {
      throw tokens.failure(token, "tests with 'is' cannot be chained");
    }
    boolean starts =
        switch (token.type()) {
          case NAME -> !NO_ARGUMENT.contains(token.text());
          case STRING, INTEGER, FLOAT -> true;
          default -> token.isOperator("[") || token.isOperator("{");
        };
    return starts
        ? new CallArguments(List.of(parsePostfix(parsePrimary())), Map.of(), null, null)
        : CallArguments.NONE;
  }
}
