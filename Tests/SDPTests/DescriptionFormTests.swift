import SDP
import SansIO
import Testing

/// What a description has beside the grammar is named with its line, and nothing is for one that follows it (RFC 8866 §9).
@Suite struct DescriptionFormTests {
  private let clean = """
    v=0\r
    o=- 1 1 IN IP4 192.0.2.1\r
    s= \r
    c=IN IP4 192.0.2.1\r
    b=AS:64\r
    t=0 0\r
    r=604800 3600 0 90000\r
    t=1 2\r
    a=sendrecv\r
    m=audio 4000 RTP/AVP 0 96\r
    c=IN IP4 192.0.2.2\r
    a=rtpmap:96 opus/48000/2\r
    a=fmtp:96 useinbandfec=1; stereo=1\r
    m=video 0 RTP/AVP 99\r\n
    """

  private func words(_ text: String) -> [String] { DescriptionForm.find(in: Bytes(text)).map { "\($0.line): \($0)" } }

  @Test func `one that follows the grammar has nothing (RFC 8866 §9)`() { #expect(words(clean) == []) }

  @Test(
    arguments: [
      ("t=0 0\r\n", "t=0 0\n", "6: ends lines with LF instead of CRLF"), ("99\r\n", "99", "14: has no CRLF behind its last line"),
      ("b=AS:64\r\n", "\r\nb=AS:64\r\n", "5: has an empty line"), ("s= \r\n", "", "13: has no s="),
      ("b=AS:64\r\nt=0 0\r\n", "t=0 0\r\nb=AS:64\r\n", "6: has b= out of its order"),
      ("c=IN IP4 192.0.2.2\r\na=rtpmap:96 opus/48000/2\r\n", "a=x\r\nc=IN IP4 192.0.2.2\r\n", "12: has c= out of its order"),
      ("s= \r\n", "s= \r\ns=x\r\n", "4: has s= more than once"), ("a=sendrecv\r\n", "y=1\r\n", "9: has a line y=, which is not known"),
      ("m=audio 4000", "m=audio  4000", "10: has more spaces in m= than separate its words"),
      ("0 96\r\n", "0 96 \r\n", "10: has more spaces in m= than separate its words"),
      ("c=IN IP4 192.0.2.2", "c=IN IP6 192.0.2.2", "11: has an address in c= that is not of the type before it"),
      ("IN IP4 192.0.2.1\r\ns", "IN IP4 2001:db8::1\r\ns", "2: has an address in o= that is not of the type before it"),
      ("o=- 1", "o=a b 1", "2: has an o= of other than six words"), ("o=- 1", "o=1", "2: has an o= of other than six words"),
      ("opus/48000/2", "opus /48000/2", "12: has an a=rtpmap that is not spelt as payload type, space, name and rate"),
      ("rtpmap:96 opus", "rtpmap: 96 opus", "12: has an a=rtpmap that is not spelt as payload type, space, name and rate"),
      ("a=sendrecv\r\n", "a=x\ry\r\n", "9: has a CR without LF in a="),
      ("a=sendrecv\r\n", "a=x\0y\r\n", "9: has a control character in a="),
    ])
  func `what does not is named once a kind, with its line (RFC 8866 §5)`(old: String, new: String, text: String) throws {
    try #require(clean.contains(old))
    let found = words(clean.replacing(old, with: new, maxReplacements: 1))
    #expect(found == [text])
    #expect((try? SessionDescription.parse(Bytes(clean.replacing(old, with: new, maxReplacements: 1)))) != nil, "it is read all the same")
  }

  @Test func `a time is missing where there is none at all (RFC 8866 §5.9)`() {
    let lines = clean.replacing("t=0 0\r\nr=604800 3600 0 90000\r\nt=1 2\r\n", with: "")
    #expect(DescriptionForm.find(in: Bytes(lines)).map(\.section) == ["RFC 8866 §5.9"])
  }
}
