"""First names that are called by others: enough for a suggestion that a person confirms, never for more."""

from __future__ import annotations

from collections.abc import Mapping

from onroll_core.usernames import fold

_FAMILIES = """
abigail abby abbie gail | abdul abdullah | adam ad | agnes aggie nessie | alan allan allen al | albert bert bertie al | alexander alexandra alex sandy xander zander lex sasha alec
alfred alf alfie fred | alison alice ali allie | amanda mandy | amelia millie amy mia | andrew andy drew | angela angie ange | ann anne annie anna hannah nan
anthony antony tony ant | antonia toni | archibald archie | arthur art artie | barbara babs barb | beatrice beatrix bea trixie | benjamin ben benji benny | bernard bernie
bethany elizabeth beth eliza liz lizzie libby betty betsy bess lisa elspeth liza | bradley brad | cameron cam | caroline carol carrie carolyn | catherine katherine kathryn katharine cathy kathy kate katie kat cat kitty
cecilia celia cissy | charles charlie chas chaz chuck | charlotte charlie lottie lotte | christina christine kirsten chris tina chrissy | christopher chris kit topher | claire clare clara
clifford cliff | constance connie | cynthia cindy | daniel dan danny | danielle dani danny | david dave davey davie dai | deborah debra debbie deb | denise den | dennis denis den denny
diana diane di | dominic dom nic | donald don donnie | dorothy dot dolly dottie | douglas doug dougie | edward ted eddie ed ned teddy eddy | eleanor elinor ellie nell nora lenore | elijah eli
ellen ellie nell helen | emily em emmy millie | emma em | eric rick | ernest ernie | euan ewan owen | eugene gene | evelyn eve evie | felicity flick fliss | florence flo florrie flossie
frances fran frankie fanny | francis frank frankie | frederick fred freddie freddy | gabriel gabe | gabrielle gabby gabi | gareth gary gaz | geoffrey jeffrey geoff jeff | george georgie | georgina georgia georgie gina
gerald gerard gerry jerry | gillian jill gill | grace gracie | graham graeme | gregory greg | gwendolyn gwen | harold harry hal | harriet hattie harry | henry harry hal hank | hugh hughie hugo
ian iain | imogen immy | irene renee | isaac ike zac | isabella isabel isobel isabelle bella izzy bel issy belle ishbel | jack jackie john | jacob jake | jacqueline jackie jacqui | james jim jamie jimmy jem
jane janie jan janet | jasmine jas jaz | jemima jem mima | jennifer jen jenny jenni | jeremy jez jerry jem | jessica jess jessie | joan joanie | joanne joanna jo joey | john johnny jon jack sean ian | jonathan jon jonny jono
joseph joe joey jo | josephine jo josie | joshua josh | joyce joy | judith judy jude | julia julie juliet jules | julian jules | justin just | kenneth ken kenny | kevin kev | kimberley kimberly kim
lachlan lachie | laura lori laurie | laurence lawrence larry laurie loz | leonard len lenny leo | leslie lesley les | lewis louis lou louie lew | lillian lily lil | linda lin lindy | louise lou
lucy lucinda luce lulu | luke luca | lydia lyd | madeleine maddie maddy | magdalena maggie lena | malcolm mal | margaret maggie meg peggy marge margie greta daisy rita mags mairead | maria marie mary ria | marian marion
martha marty | martin marty | mary molly polly may mae moira maria | matilda tilly mattie tilda | matthew matt matty | maureen mo | maurice morris mo | maximilian max | megan meg meggie
melanie mel | melissa mel lissa | michael mike mick mickey micky mikey | michelle shell chelle | miriam mim | mohammed muhammad mohamed mohammad muhammed mo | montgomery monty | nancy nan | natalie nat | natasha tasha nat tash
nathan nathaniel nate nat | nicholas nicolas nick nicky nico | nicola nicole nicky nikki nic | oliver ollie olly | olivia liv livvy livia | oscar ozzy | pamela pam | patricia pat trish patsy tricia paddy | patrick pat paddy
paul paulie | penelope penny | peter pete | philip phillip phil pip | philippa pippa pip | phoebe phebe | rachel rachael rach rae | raymond ray | rebecca becky becca bex | reginald reg reggie
richard rich dick rick ricky richie | robert rob bob bobby robbie bert rab | roberta bobbie | robin rob | roderick rod roddy | rodney rod | roger rodge | ronald ron ronnie | rosemary rose rosie romy
rosalind roz ros | rosamund rosie | rupert rupe | russell russ | ruth ruthie | samantha sam sammy | samuel sam sammy | sandra sandy | sarah sara sally sal sadie | sebastian seb bas | sharon shaz | sheila shelagh
sidney sydney sid syd | simon si | sophia sophie soph | stanley stan | stephanie steph stevie | stephen steven steve stevie ste | stuart stewart stu | susan susanna suzanne sue susie suzy | sylvia sylvie
tabitha tabby | teresa theresa tess terry tessa | terence terry tel | thea dorothea theodora | theodore theo ted teddy | thomas tom tommy tam | timothy tim timmy | tobias toby | valerie val | vanessa nessa
veronica ronnie vera | victor vic | victoria vicky vicki tori vix | vincent vince vinny | violet vi | virginia ginny | vivian vivienne viv | walter wally walt wat | wendy wend | wilfred wilf | william will bill billy willie liam willy
winifred winnie freda | yasmin yasmine yaz | yvonne eve | zachary zac zach zack | zoe zoey
"""


def _table() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _FAMILIES.strip().splitlines():
        for family in line.split("|"):
            names = {fold(name) for name in family.split()}
            for name in names:
                found.setdefault(name, set()).update(names)
    return {name: frozenset(names) for name, names in found.items()}


_CALLED = _table()


def called(first: str) -> frozenset[str]:
    """Every first name, folded, that somebody called `first` (folded) may also go by; their own is among them."""
    return _CALLED.get(first, frozenset()) | {first}
