package dev.s3llm.text.internal.jinja;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Parses the statements of a template. */
final class TemplateParser {
  private static final Set<String> SPECIAL = Set.of("caller", "varargs", "kwargs");
  private static final Set<String> CONSTANTS =
      Set.of("true", "false", "none", "True", "False", "None");
  private static final Set<String> NOT_SUPPORTED =
      Set.of("include", "import", "from", "extends", "autoescape", "do", "trans", "debug");

  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private final Set<String> blocks = new HashSet<>();
  private int loops;

  private TemplateParser(TokenStream tokens) {
    this.tokens = tokens;
    this.expressions = new ExpressionParser(tokens);
  }

  /**
   * Parses a normalized source.
   *
   * @throws JinjaException if it is not a template
   */
  static List<Stmt> parse(String source) {
    TemplateParser parser = new TemplateParser(new TokenStream(source));
    List<Stmt> body = parser.parseBody();
    parser.expressions.requireKnown(0);
    return body;
  }

  /** Parses until a block with one of the names, whose name is then the current token. */
  private List<Stmt> parseBody(String... ends) {
    tokens.enter();
    List<String> names = List.of(ends);
    List<Stmt> body = new ArrayList<>();
    while (!tokens.current().is(TokenType.END)) {
      Token token = tokens.take();
      if (token.is(TokenType.TEXT)) {
        body.add(new Statements.Data(Text.of(token.text())));
      } else if (token.is(TokenType.VARIABLE_BEGIN)) {
        int at = tokens.current().offset();
        body.add(new Statements.Output(expressions.parseTuple(true), at));
        tokens.expect(TokenType.VARIABLE_END);
      } else if (names.contains(tokens.current().text()) && tokens.current().is(TokenType.NAME)) {
        tokens.leave();
        return body;
      } else {
        body.add(parseStatement());
        tokens.expect(TokenType.BLOCK_END);
      }
    }
    if (ends.length > 0) {
      throw tokens.expected("'" + String.join("' or '", ends) + "'");
    }
    tokens.leave();
    return body;
  }

  /** Parses like {@link #parseBody}, without unknown filters and tests. */
  private List<Stmt> parseKnownBody(String... ends) {
    int unknown = expressions.unknownNames();
    List<Stmt> body = parseBody(ends);
    expressions.requireKnown(unknown);
    return body;
  }

  /** Parses the body of a block that one name ends, and that name. */
  private List<Stmt> parseBlock(String end) {
    tokens.expect(TokenType.BLOCK_END);
    List<Stmt> body = parseKnownBody(end);
    tokens.expectName(end);
    return body;
  }

  private Stmt parseStatement() {
    Token token = tokens.expect(TokenType.NAME);
    return switch (token.text()) {
      case "if" -> parseIf();
      case "for" -> parseFor(token.offset());
      case "set" -> parseSet(token.offset());
      case "with" -> parseWith();
      case "macro" -> new Statements.Define(parseMacro());
      case "call" -> parseCall();
      case "filter" -> parseFilter(token.offset());
      case "block" -> parseNamedBlock(token);
      case "print" -> new Statements.Output(expressions.parseTuple(true), token.offset());
      case "generation" -> new Statements.Part(parseOutsideLoops("endgeneration"), true);
      case "break" -> leaveLoop(token, Stmt.Flow.BREAK);
      case "continue" -> leaveLoop(token, Stmt.Flow.CONTINUE);
      default -> throw unknown(token);
    };
  }

  private JinjaException unknown(Token token) {
    String reason =
        NOT_SUPPORTED.contains(token.text())
            ? "the tag '%s' is not supported in chat templates"
            : "expected a tag but found '%s'";
    return tokens.failure(token, reason.formatted(token.text()));
  }

  private Stmt leaveLoop(Token token, Stmt.Flow flow) {
    if (loops == 0) {
      throw tokens.failure(token, "'%s' outside of a loop".formatted(token.text()));
    }
    return env -> flow;
  }

  private Stmt parseIf() {
    int unknown = expressions.unknownNames();
    List<Statements.Branch> branches = new ArrayList<>();
    List<Stmt> otherwise = List.of();
    String name;
    do {
      Expr test = expressions.parseTuple(false);
      tokens.expect(TokenType.BLOCK_END);
      branches.add(new Statements.Branch(test, parseBody("elif", "else", "endif")));
      name = tokens.take().text();
    } while (name.equals("elif"));
    if (name.equals("else")) {
      tokens.expect(TokenType.BLOCK_END);
      otherwise = parseBody("endif");
      tokens.take();
    }
    expressions.tolerateUnknown(unknown);
    return new Statements.If(branches, otherwise);
  }

  private Stmt parseFor(int at) {
    Target target = parseTarget(false);
    tokens.expectName("in");
    Expr iterable = expressions.parseTuple(false);
    Expr test = tokens.skipName("if") ? expressions.parse() : null;
    boolean recursive = tokens.skipName("recursive");
    tokens.expect(TokenType.BLOCK_END);
    loops++;
    List<Stmt> body = parseKnownBody("endfor", "else");
    loops--;
    boolean hasElse = tokens.take().isName("else");
    List<Stmt> otherwise = hasElse ? parseBlock("endfor") : List.of();
    return new Statements.For(target, iterable, test, recursive, body, otherwise, at);
  }

  private Stmt parseSet(int at) {
    Target target = parseTarget(true);
    if (tokens.skipOperator("=")) {
      return new Statements.Set(target, expressions.parseTuple(true), at);
    }
    Expr filtered =
        tokens.skipOperator("|") ? expressions.parseFilterChain(Env::captured) : Env::captured;
    return new Statements.SetBlock(target, filtered, parseBlock("endset"), at);
  }

  private Stmt parseFilter(int at) {
    Expr filtered = expressions.parseFilterChain(Env::captured);
    return new Statements.FilterBlock(filtered, parseBlock("endfilter"), at);
  }

  private Stmt parseWith() {
    List<Target> targets = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (!tokens.current().is(TokenType.BLOCK_END)) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(parseTarget(false));
      tokens.expectOperator("=");
      values.add(expressions.parse());
    }
    return new Statements.With(targets, values, parseBlock("endwith"));
  }

  private Target parseTarget(boolean withNamespace) {
    if (withNamespace && tokens.following().isOperator(".")) {
      String namespace = tokens.expect(TokenType.NAME).text();
      tokens.expectOperator(".");
      return new Target.Attribute(namespace, tokens.expect(TokenType.NAME).text());
    }
    Target first = parseSingleTarget();
    if (!tokens.current().isOperator(",")) {
      return first;
    }
    List<Target> targets = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",") && !atTargetsEnd()) {
      targets.add(parseSingleTarget());
    }
    return new Target.Several(targets);
  }

  private boolean atTargetsEnd() {
    Token token = tokens.current();
    return token.isName("in")
        || token.isOperator("=")
        || token.isOperator(")")
        || token.is(TokenType.BLOCK_END);
  }

  private Target parseSingleTarget() {
    if (tokens.skipOperator("(")) {
      tokens.enter();
      Target inside = parseTarget(false);
      tokens.leave();
      tokens.expectOperator(")");
      return inside;
    }
    Token name = tokens.expect(TokenType.NAME);
    if (CONSTANTS.contains(name.text())) {
      throw tokens.failure(name, "expected a variable but found '%s'".formatted(name.text()));
    }
    return new Target.Variable(name.text());
  }

  private Macro.Definition parseMacro() {
    String name = tokens.expect(TokenType.NAME).text();
    List<String> parameters = new ArrayList<>();
    List<Expr> defaults = new ArrayList<>();
    Set<String> outerNames = expressions.swapNames(new HashSet<>());
    parseParameters(parameters, defaults);
    return define(name, parameters, defaults, parseOutsideLoops("endmacro"), outerNames);
  }

  private Stmt parseCall() {
    List<String> parameters = new ArrayList<>();
    List<Expr> defaults = new ArrayList<>();
    Set<String> outerNames = expressions.swapNames(new HashSet<>());
    if (tokens.current().isOperator("(")) {
      parseParameters(parameters, defaults);
    }
    Token start = tokens.current();
    if (!(expressions.parse() instanceof Expressions.Call call)) {
      throw tokens.failure(start, "expected a call of a macro");
    }
    List<Stmt> body = parseOutsideLoops("endcall");
    return new Statements.CallBlock(call, define("", parameters, defaults, body, outerNames));
  }

  /** Makes a macro of its parts; the names read since it began say what it uses. */
  private Macro.Definition define(
      String name,
      List<String> parameters,
      List<Expr> defaults,
      List<Stmt> body,
      Set<String> outerNames) {
    Set<String> names = expressions.swapNames(outerNames);
    outerNames.addAll(names);
    names.retainAll(SPECIAL);
    return new Macro.Definition(name, parameters, defaults, body, Set.copyOf(names));
  }

  private void parseParameters(List<String> parameters, List<Expr> defaults) {
    tokens.expectOperator("(");
    while (!tokens.current().isOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      Token parameter = tokens.expect(TokenType.NAME);
      parameters.add(parameter.text());
      if (tokens.skipOperator("=")) {
        defaults.add(expressions.parse());
      } else if (!defaults.isEmpty()) {
        throw tokens.failure(parameter, "a parameter without a default follows one with a default");
      }
    }
    tokens.expectOperator(")");
  }

  /** Parses a body whose {@code break} and {@code continue} do not reach the loops around it. */
  private List<Stmt> parseOutsideLoops(String end) {
    int before = loops;
    loops = 0;
    List<Stmt> body = parseBlock(end);
    loops = before;
    return body;
  }

  private Stmt parseNamedBlock(Token token) {
    String name = tokens.expect(TokenType.NAME).text();
    if (!blocks.add(name)) {
      throw tokens.failure(token, "block '%s' is defined twice".formatted(name));
    }
    boolean scoped = tokens.skipName("scoped");
    List<Stmt> body = parseOutsideLoops("endblock");
    tokens.skipName(name);
    return new Statements.Part(body, scoped);
  }
}
