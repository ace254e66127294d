import SansIO
import Testing

/// The one writer of JSON, in its three layouts.
@Suite struct JSONTests {
  private func text(_ body: (inout JSONWriter) -> Void) -> String {
    var json = JSONWriter()
    body(&json)
    return json.text
  }

  private func sample(_ layout: JSONWriter.Layout) -> String {
    text { json in
      json.object(layout) { json in
        json.member("a", 1)
        json.member("b", "x")
        json.name("c")
        json.array(layout) { json in
          json.value(true)
          json.null()
          json.object(layout) { _ in }
        }
        json.member("d", TransportAddress(IPAddress(v4: 0xC000_020A), port: 5060))
      }
    }
  }

  @Test func `the same object is compact, spaced or in lines`() {
    #expect(sample(.compact) == #"{"a":1,"b":"x","c":[true,null,{}],"d":"192.0.2.10:5060"}"#)
    #expect(sample(.spaced) == #"{"a": 1, "b": "x", "c": [true, null, {}], "d": "192.0.2.10:5060"}"#)
    #expect(
      sample(.lines) == """
        {
          "a": 1,
          "b": "x",
          "c": [
            true,
            null,
            {}
          ],
          "d": "192.0.2.10:5060"
        }
        """)
  }

  @Test(arguments: [
    ("", "\"\""), ("plain ü 😀", "\"plain ü 😀\""), ("\"\\", #""\"\\""#), ("\n\r\t", #""\n\r\t""#), ("\u{0}\u{1F}", #""\u0000\u001f""#),
    ("\u{7F}", #""\u007f""#), ("a\u{80}b\u{9F}c\u{A0}", "\"a\\u0080b\\u009fc\u{A0}\""), ("\u{1B}[31m", #""\u001b[31m""#),
  ])
  func `strings escape what RFC 8259 §7 says, and every control character`(text: String, quoted: String) {
    #expect(self.text { $0.value(text) } == quoted)
    #expect(
      self.text { json in
        json.object(.compact) {
          $0.name(quoting: text); $0.null()
        }
      } == "{\(quoted):null}")
  }

  @Test(arguments: [
    (Int64.min, "-9223372036854775808"), (Int64.max, "9223372036854775807"), (0, "0"), (9, "9"), (10, "10"), (-100, "-100"),
    (1_000_000_000_000_000_000, "1000000000000000000"),
  ])
  func `integers have all their digits`(number: Int64, digits: String) { #expect(text { $0.value(number) } == digits) }

  @Test(arguments: [(1.0, "1.0"), (-2.5, "-2.5"), (0.1, "0.1"), (1e20, "1e+20"), (.infinity, "null"), (.nan, "null")])
  func `numbers keep a fraction, and what JSON has no form for is null`(number: Double, digits: String) {
    #expect(text { $0.value(number) } == digits)
  }

  @Test(arguments: ["192.0.2.1:5060", "0.0.0.0:0", "255.255.255.255:65535", "[2001:db8::1]:5060"])
  func `an address is written as its description has it`(address: String) {
    #expect(TransportAddress(address).map { address in text { $0.value(address) } } == "\"\(address)\"")
  }

  @Test func `the memory grows with what is written and is used again`() {
    var json = JSONWriter(capacity: 1)
    let long = String(repeating: "x", count: 10_000)
    json.array(.compact) { json in for _ in 0..<3 { json.value(long) } }
    #expect(json.text == "[\"\(long)\",\"\(long)\",\"\(long)\"]")
    json.clear()
    json.array(.compact) { $0.value(1) }
    #expect(json.text == "[1]")
  }

  @Test func `a document has short arrays without objects in one line, and outer levels in lines where that is asked for`() {
    let value = JSONValue.object([
      ("short", .array([.integer(1), .strings(["a", "b"])])),
      ("long", .strings(Array(repeating: String(repeating: "y", count: 50), count: 2))),
      ("objects", .array([.object([("k", .bool(false))])])), ("empty", .array([])),
    ])
    let long = String(repeating: "y", count: 50)
    #expect(
      value.document == """
        {
          "short": [1, ["a", "b"]],
          "long": [
            "\(long)",
            "\(long)"
          ],
          "objects": [
            {
              "k": false
            }
          ],
          "empty": []
        }
        """)
    #expect(
      text { value.write(to: &$0, lines: 1) } == """
        {
          "short": [1, ["a", "b"]],
          "long": ["\(long)", "\(long)"],
          "objects": [{"k": false}],
          "empty": []
        }
        """)
  }
}
