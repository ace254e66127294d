import SIPMessage
import SansIO
import Testing

/// Tags read alone are those of the typed addresses.
@Suite struct TagTests {
  private func message(to: String) throws -> SIPMessage { try parsed("OPTIONS sip:a@h SIP/2.0\nTo: \(to)\nf: \(to)") }

  @Test(
    arguments: [
      ("<sip:b@h>", nil), ("sip:b@h", nil), ("<sip:b@h>;tag=1", "1"), ("sip:b@h;tag=1", "1"), ("<sip:b@h;tag=no>;tag=yes", "yes"),
      ("<sip:b@h;tag=no>", nil), ("\"x;tag=no\" <sip:b@h>;TAG = yes ;a=b", "yes"), ("Bob <sip:b@h> ; a=\";tag=no\";Tag=yes", "yes"),
      ("<sip:b@h>;tagged=no;tag=a.b~c;tag=d", "a.b~c"), ("<sip:b@h>;atag=no", nil), ("<sip:b@h>;tag", nil), ("<sip:b@h>;tag=", ""),
      ("<sip:b@h>;tag=\"q\"", "q"), ("\"<sip:no>\" <sip:b@h>;\r\n tag=1", "1"), ("<sip:b@h;tag=no?tag=no>;x;tag=1;y", "1"),
    ] as [(String, String?)])
  func `the tag is the first parameter of that name behind the address (RFC 3261 §20.10, §20.39)`(value: String, tag: String?) throws {
    let message = try message(to: value)
    #expect(message.toTag == tag)
    #expect(message.fromTag == tag)
    #expect((try? message.to())?.tag == ((try? message.to()) == nil ? nil : tag), "as the typed address has it")
  }
}
