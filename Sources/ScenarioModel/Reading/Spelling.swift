/// Finds the word somebody may have meant.
public enum Spelling {
  /// The candidate with the fewest changes, if they are few for its length; else one that means the same.
  public static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    var best: (word: String, distance: Int)?
    let candidates = Array(candidates)
    for candidate in candidates {
      let distance = distance(plain(word), plain(candidate))
      if distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    if let best, best.distance <= max(1, best.word.count / 3) { return best.word }
    return synonyms[String(plain(word))]?.first(where: candidates.contains)
  }

  /// `", did you mean 'x'?"`, or nothing.
  public static func hint(for word: String, among candidates: some Sequence<String>) -> String {
    nearest(to: word, among: candidates).map { ", did you mean '\($0)'?" } ?? ""
  }

  /// Without what people write one way or the other: `hang-up`, `hang_up` and `hangUp` are one word.
  private static func plain(_ word: String) -> [Character] { Array(word.lowercased()).filter { $0 != "-" && $0 != "_" && $0 != " " } }

  /// Changes of a letter, and neighbours that changed places (Damerau and Levenshtein, each letter once).
  private static func distance(_ left: [Character], _ right: [Character]) -> Int {
    var rows = [[Int]](repeating: [Int](repeating: 0, count: right.count + 1), count: left.count + 1)
    for index in 0...left.count { rows[index][0] = index }
    for index in 0...right.count { rows[0][index] = index }
    for (row, character) in left.enumerated() {
      for (column, other) in right.enumerated() {
        var cost = min(rows[row][column] + (character == other ? 0 : 1), rows[row][column + 1] + 1, rows[row + 1][column] + 1)
        if row > 0, column > 0, character == right[column - 1], left[row - 1] == other { cost = min(cost, rows[row - 1][column - 1] + 1) }
        rows[row + 1][column + 1] = cost
      }
    }
    return rows[left.count][right.count]
  }

  /// Other words for ours, as SIP stacks, test tools and people say them; the first of ours that fits the place counts.
  private static let synonyms: [String: [String]] = {
    let groups: [(ours: [String], theirs: String)] = [
      (["established", "accepted"], "answered up connected confirmed active talking success ok"),
      (["ringing"], "alerting proceeding early 180"),
      (["ended", "closed", "hangUp"], "disconnected terminated over finished completed released cleared gone down done bye"),
      (["refused"], "rejected denied failed declined busy forbidden"),
      (["modified"], "changed updated reinvited reinvite"),
      (["early-media"], "183 progress"),
      (["hangUp", "hang-up"], "disconnect hangup release clear end stop drop terminate"),
      (["call"], "dial invite originate place make"), (["cancel"], "abort giveup"), (["expect"], "assert verify check should wants"),
      (["wait", "for"], "sleep pause idle delay"), (["speak"], "play say talk send tone"), (["hears"], "listen heard receives audio"),
      (["resume"], "unhold retrieve offhold"), (["reinvite"], "update renegotiate modify"), (["options"], "ping keepalive"),
      (["pinged"], "options"), (["registered"], "register registration"), (["unregister"], "deregister logout"),
      (["fault"], "lose break loss impair"), (["inAnyOrder"], "all parallel unordered together"), (["never"], "not forbid mustnot no"),
      (["message"], "receives received sip packet"), (["who", "member", "on"], "party by actor subject phone"),
      (["within"], "timeout before deadline"), (["during", "for"], "duration period long"), (["because"], "reason why cause"),
      (["saying"], "text reason warning contains"), (["times"], "count number repeat"), (["direction"], "dir media"),
      (["from"], "caller source src sender"), (["to"], "callee target destination dest"), (["as"], "name id called label"),
      (["address"], "ip host addr"), (["transport"], "protocol proto via"), (["persona"], "product type model pbx vendor"),
      (["wire"], "raw socket"), (["cast"], "actors members hosts parties"), (["steps"], "script scenario actions"),
      (["summary"], "title description name"), (["given"], "setup background before"), (["network"], "links topology"),
      (["proves"], "covers tests requirement requirements tags"), (["headers"], "fields header"),
      (["containing"], "contains has includes with"),
      (["without"], "lacks missing absent"), (["decision"], "policy verdict rule"), (["violation"], "breach error broken"),
      (["allowViolations"], "ignoreviolations tolerate allow"), (["recvonly"], "receive receiveonly held"),
      (["sendonly"], "send hold onhold"),
      (["sendrecv"], "both bidirectional twoway"), (["inactive"], "none off"), (["PCMU"], "ulaw g711u g711 mulaw"),
      (["PCMA"], "alaw g711a"),
    ]
    var table: [String: [String]] = [:]
    for group in groups { for word in group.theirs.split(separator: " ") { table[String(word), default: []] += group.ours } }
    return table
  }()
}
