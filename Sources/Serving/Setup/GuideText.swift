/// A text for a PBX's administrator: what has to be known first, then one part a file.
///
/// A part begins behind a line that holds `===== file: PATH =====`, with the marks that make it a comment in that product, and ends at the
/// next such line or the end. So a script can cut the text into files, and each part is whole by itself.
struct GuideText {
  struct Part {
    var path: String
    var lines: [String]
  }

  /// What makes a line a comment: `; ` and nothing, or `<!-- ` and ` -->`.
  struct Marks {
    var opening: String
    var closing: String
    static let semicolon = Marks(opening: "; ", closing: "")
    static let xml = Marks(opening: "<!-- ", closing: " -->")
    static let none = Marks(opening: "", closing: "")

    /// Two hyphens would end a comment of XML.
    func comment(_ text: String) -> String { "\(opening)\(closing.isEmpty ? text : text.replacing("--", with: "- -"))\(closing)" }
  }

  var marks: Marks
  var introduction: [String]
  var parts: [Part]

  var text: String {
    var lines = introduction.map { $0.isEmpty ? "" : marks.comment($0) }
    for part in parts {
      lines += ["", marks.comment("===== file: \(part.path) =====")] + part.lines
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension String {
  /// A value in Asterisk's configuration files, where a semicolon begins a comment.
  var asteriskValue: String { replacing("\\", with: "\\\\").replacing(";", with: "\\;") }

  /// Text in an XML attribute.
  var xmlAttribute: String {
    replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
  }
}
