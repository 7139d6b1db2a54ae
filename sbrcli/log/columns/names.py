"""Names of the columns of users, items, times and so on in logs."""

import re

from sbrcli.log.events import EVENT, ITEM_ID, RATING, SESSION_ID, TIME_OF_DAY, TIMESTAMP, USER_ID

COLUMN_NAMES = {
    USER_ID: ("userid", "user", "visitorid"),
    SESSION_ID: ("sessionid", "session", "usersession"),
    ITEM_ID: ("itemid", "movieid", "productid", "item", "movie"),
    RATING: ("rating",),
    TIMESTAMP: ("timestamp", "time", "eventtime", "datetime", "eventdate"),
    EVENT: ("event", "eventtype"),
    TIME_OF_DAY: ("timeframe",),
}
"""Names in headers of each column of the event table, the best first."""

MORE_NAMES = {
    ITEM_ID: (
        *("videoid", "articleid", "trackid", "songid", "parentasin", "asin", "productsku"),
        *("productskuhash", "sku", "itemsku", "contentid", "newsid", "bookid", "businessid"),
        *("gameid", "appid", "poiid", "venueid", "locationid", "documentid", "docid", "stockcode"),
        *("goodsid", "listingid", "artistid", "reference", "product", "video", "article", "track"),
        *("song", "book", "poi", "game", "isbn", "aid", "iid", "skuid", "clickarticleid"),
        *("adgroupid", "campaignid", "campaign", "animeid", "placeid", "gmapid", "gplusplaceid"),
        *("recipeid", "beerid", "beerbeerid", "mediaid", "trackidclean", "jobid", "hotelid"),
        *(
            "courseid",
            "questionid",
            "episodeid",
            "showid",
            "albumid",
            "postid",
            "pageid",
            "photoid",
        ),
        *("adid", "creativeid", "materialid", "spuid", "streamid", "restaurantid", "vacancyid"),
        *("lineitemsku", "variantid", "variantsku", "productcode", "productno", "productnumber"),
        *("itemcode", "itemno", "itemnumber", "articleno", "articlenumber", "modelid", "barcode"),
        *("ean", "gtin", "upc", "storyid", "threadid", "repoid", "paperid", "eventitemid"),
    ),
    USER_ID: (
        *("uid", "customerid", "customer", "clientid", "client", "memberid", "member", "visitor"),
        *("fullvisitorid", "userpseudoid", "accountid", "reviewerid", "username", "anonymousid"),
        *("userlogacct", "msno", "customeruniqueid", "householdkey", "gplususerid", "anonid"),
        *("profilename", "reviewprofilename", "playerid", "steamid", "distinctid", "useridhash"),
        *("cookieid", "cookie", "deviceid", "device", "uuid", "customeruserid", "email"),
        *("emailaddress", "customeremail", "buyerid", "buyer", "shopperid", "subscriberid"),
        *("personid", "readerid", "listenerid", "studentid", "custid", "customerno", "userno"),
        *("customernumber", "usernumber", "userkey", "userhash", "useruuid", "cardid", "idvisitor"),
    ),
    SESSION_ID: ("sessionidhash", "gasessionid", "visitid", "sessid", "idvisit", "visitkey"),
    TIMESTAMP: (
        *(
            "ts",
            "timems",
            "eventtimestamp",
            "servertimestampepochms",
            "createdat",
            "unixreviewtime",
        ),
        *("actiontime", "clicktimestamp", "clicktime", "utctimestamp", "utctime", "eventts"),
        *("impressiontime", "timestampms", "unixtimestamp", "unixtime", "epoch", "epochms"),
        *("occurredat", "createdtime", "createtime", "eventdatetime", "logtime", "querytime"),
        *("visittime", "playedat", "listenedat", "watchedat", "ratedat", "tslisten", "checkintime"),
        *("reviewtime", "date", "tdat", "invoicedate", "transactiondt", "transactiondate"),
        *("orderdate", "purchasedate", "orderpurchasetimestamp", "dateadded", "reviewdate"),
        *("visitdate", "checkindate", "dt", "ds", "visitstarttime", "servertime", "starttime"),
        *("recordedat", "loggedat", "receivedat", "sentat", "modifiedat", "updatedat"),
        *("lastupdated", "mylastupdated"),
    ),
    EVENT: (
        *(
            "actiontype",
            "behaviortype",
            "behaviourtype",
            "interactiontype",
            "eventname",
            "behavior",
        ),
        *("behaviour", "action", "interaction", "feedbacktype", "activitytype", "activity"),
        *("eventaction", "useraction", "clicktype", "operationtype", "operation", "eventcategory"),
        *("eventtypeid", "eventcode", "btag", "verb", "evt", "type", "hittype"),
        *("eventkind", "kind", "actionname", "useractiontype", "feedback", "act", "behaviorid"),
    ),
}
"""Names that are tried if none of the above exists: for users only if there is no session, and for
sessions only if there is no user, so that logs detected without them are read as before."""

SESSION_NUMBERS = {
    *("sessionnumber", "sessionnum", "sessionno", "sessionindex", "sessionseq", "visitnumber"),
    *("gasessionnumber", "sessioncount", "visitno", "sessioncounter"),
}
"""Names of columns that count the sessions of each user."""

ORDERS = {
    *("orderid", "order", "ordernumber", "invoice", "invoiceno", "invoiceid", "basketid"),
    *("transactionid", "receiptid", "cartid", "playlistid", "pid"),
}
"""Names of columns that can serve as sessions if there are no others."""

LISTS = {
    *("items", "itemids", "itemlist", "products", "productids", "articles", "articleids"),
    *("videos", "videoids", "tracks", "trackids", "movies", "movieids", "basket", "sequence"),
}
"""Names of columns whose cells may be lists of items."""

DAYS = {"day", "days", "dayno", "daynumber", "dayofstudy"}
"""Names of columns that count days from the beginning of a log."""

_TYPED_NAME = re.compile(r"(.*):(token|token_seq|float|float_seq)")
"""Column names in RecBole: user_id:token."""


def normalised(name: str) -> str:
    """Return a column's name in lower case, without spaces, underscores, hyphens and RecBole's
    type."""
    typed = _TYPED_NAME.fullmatch(name)
    return re.sub(r"[\s_-]", "", typed[1] if typed else name).casefold()


def is_time_name(plain: str) -> bool:
    """Return whether a normalised name is known for times."""
    return plain in (*COLUMN_NAMES[TIMESTAMP], *MORE_NAMES[TIMESTAMP])


def is_known_name(plain: str) -> bool:
    """Return whether a normalised name is known for any column of the event table."""
    return any(
        plain in aliases for known in (COLUMN_NAMES, MORE_NAMES) for aliases in known.values()
    )


def all_names(column: str) -> set[str]:
    """Return all known names of a column of the event table."""
    return {*COLUMN_NAMES[column], *MORE_NAMES[column]}
