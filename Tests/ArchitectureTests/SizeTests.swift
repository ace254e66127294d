import Testing

@Suite struct SizeTests {
  /// Functions over 40 lines that are tables or state machines, whose parts would be harder to read than the whole. The ratchet: numbers
  /// go down only.
  private let longFunctions = 4

  @Test func `files have at most 400 lines (design 10)`() {
    for file in Repository.files("Sources") + Repository.files("Tests") {
      #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count) lines")
    }
  }

  @Test func `functions have at most 40 lines, with a counted few that have more`() {
    var long: [String] = []
    for file in Repository.files("Sources") {
      for function in file.functions where function.count > 40 { long.append("\(file.path): \(function.name) has \(function.count) lines") }
    }
    #expect(long.count <= longFunctions, "\(long.joined(separator: "\n"))")
    #expect(long.count >= longFunctions, "there are only \(long.count) left: lower the ratchet")
  }

  @Test func `the counter sees each form of a function, and declarations without a body are none`() {
    let text = """
      struct One {
        func short() { 1 }
        func plain() {
          1
        }
        init(
          a: Int,
          b: Int
        ) {
          1
        }
        func alone(a: Int) throws -> Int
          where A == B
        {
          1
        }
      }
      protocol Two {
        func without()
        func body() -> Int
      }
      """
    let functions = Repository.File(path: "x.swift", text: text).functions
    #expect(functions.map(\.name) == ["func plain() {", "init(", "func alone(a: Int) throws -> Int"])
    #expect(functions.map(\.count) == [3, 6, 5])
  }

  @Test func `lines have at most 140 characters`() {
    for file in Repository.files("Sources") + Repository.files("Tests") {
      for (number, line) in file.lines.enumerated() where line.count > 140 {
        Issue.record("\(file.path):\(number + 1) has \(line.count) characters")
      }
    }
  }
}

extension Repository.File {
  struct Function {
    var name: String
    /// From its first line to its closing brace.
    var count: Int
  }

  /// Functions and initializers that have a body of lines, outermost alone: by the indentation of their closing brace, which the formatter
  /// keeps.
  var functions: [Function] {
    let lines = lines.map { (text: $0.drop { $0 == " " }, indent: $0.prefix { $0 == " " }.count) }
    var found: [Function] = []
    var number = 0
    while number < lines.count {
      defer { number += 1 }
      guard let open = opening(number, lines) else { continue }
      let end = lines[open...].dropFirst().firstIndex { $0.indent == lines[number].indent && $0.text.hasPrefix("}") }
      guard let end else { continue }
      found.append(Function(name: String(lines[number].text), count: end - number + 1))
      number = end
    }
    return found
  }

  /// The line that opens the body of the function that begins at a line; nil = no function does, or it has no body of lines.
  private func opening(_ number: Int, _ lines: [(text: Substring, indent: Int)]) -> Int? {
    let first = lines[number]
    guard !first.text.hasPrefix("//"), first.text.contains("func ") || "\(" ")\(first.text)".contains(" init(") else { return nil }
    if first.text.hasSuffix("{") { return number }
    // `{ … }` on the line itself.
    if first.text.hasSuffix("}") { return nil }
    for next in (number + 1)..<max(lines.count, number + 1) {
      let line = lines[next]
      // The rest of a declaration is indented further, or begins with what ends its head.
      guard line.indent > first.indent || line.text.hasPrefix(")") || line.text.hasPrefix("{") else { return nil }
      if line.indent == first.indent || line.text == "{" || line.text.hasPrefix(")") {
        return line.text.hasSuffix("{") ? next : nil
      }
    }
    return nil
  }
}
